#include "tests/cluster/raw_peer.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <caf/actor_system_config.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/byte_buffer.hpp>

#include <chrono>
#include <csignal>

namespace troupe::cluster {
namespace {

constexpr std::size_t kHeaderBytes = 32;

template <class T>
void put(std::string& out, T x) {
  for (int shift = (sizeof(T) - 1) * 8; shift >= 0; shift -= 8)
    out += static_cast<char>((x >> shift) & 0xff);
}

template <class T>
T get(std::string_view in, std::size_t at) {
  T x = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    x = static_cast<T>((x << 8) | static_cast<unsigned char>(in[at + i]));
  return x;
}

WireHeader parse(std::string_view in) {
  return {static_cast<Wire>(in[0]),   static_cast<std::uint8_t>(in[3]),
          get<std::uint32_t>(in, 4),  get<std::uint64_t>(in, 8),
          get<std::uint64_t>(in, 16), get<std::uint64_t>(in, 24)};
}

}  // namespace

std::string to_wire(const WireHeader& header) {
  std::string out;
  put(out, static_cast<std::uint8_t>(header.type));
  put(out, std::uint16_t{0});
  put(out, header.flags);
  put(out, header.payload_bytes);
  put(out, header.data);
  put(out, header.from);
  put(out, header.to);
  return out;
}

std::string to_wire(WireHeader header, std::string_view payload) {
  header.payload_bytes = static_cast<std::uint32_t>(payload.size());
  return to_wire(header) + std::string(payload);
}

std::string to_wire(const caf::node_id& node) {
  caf::byte_buffer buffer;
  caf::binary_serializer sink{nullptr, buffer};
  if (!sink.apply(node)) return {};
  return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
}

std::string varint(std::uint32_t x) {
  std::string out;
  for (; x > 0x7f; x >>= 7) out += static_cast<char>((x & 0x7f) | 0x80);
  return out + static_cast<char>(x);
}

std::string to_wire(const caf::message& message) {
  caf::byte_buffer buffer;
  caf::binary_serializer sink{nullptr, buffer};
  if (!sink.apply(message)) return {};
  return varint(0) +  // Nobody to pass it on to.
         std::string(reinterpret_cast<const char*>(buffer.data()),
                     buffer.size());
}

std::string to_wire(const Frame& frame) {
  return to_wire(caf::make_message(frame));
}

std::string actor_on_wire(std::uint64_t actor, const caf::node_id& node) {
  std::string out;
  put(out, actor);
  return out + to_wire(node);
}

platform::Fd connect_tcp(std::uint16_t port) {
  platform::Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  timeval patience{10, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    return {};
  return fd;
}

struct RawPeer::Tls {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = nullptr;
  ~Tls() {
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
};

RawPeer::RawPeer(std::uint16_t port, const std::optional<TlsFiles>& files,
                 TlsVersions versions)
    : socket_{connect_tcp(port)}, tls_{std::make_unique<Tls>()} {
  std::signal(SIGPIPE, SIG_IGN);  // A closed connection is what we look for.
  if (files) {
    SSL_CTX_use_certificate_file(tls_->context, files->certificate.c_str(),
                                 SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(tls_->context, files->key.c_str(),
                                SSL_FILETYPE_PEM);
  }
  if (versions == TlsVersions::only_1_2)
    SSL_CTX_set_max_proto_version(tls_->context, TLS1_2_VERSION);
  tls_->ssl = SSL_new(tls_->context);
  SSL_set_fd(tls_->ssl, socket_.get());
  SSL_connect(tls_->ssl);  // What it did shows at the first read.
}

RawPeer::~RawPeer() = default;

bool RawPeer::send(std::string_view bytes) {
  return SSL_write(tls_->ssl, bytes.data(), static_cast<int>(bytes.size())) ==
         static_cast<int>(bytes.size());
}

std::string RawPeer::read(std::size_t bytes) {
  std::string out(bytes, '\0');
  std::size_t done = 0;
  while (done < bytes) {
    const int got =
        SSL_read(tls_->ssl, out.data() + done, static_cast<int>(bytes - done));
    if (got <= 0) return {};
    done += static_cast<std::size_t>(got);
  }
  return out;
}

std::optional<WireHeader> RawPeer::next(std::string& payload) {
  for (;;) {
    const auto bytes = read(kHeaderBytes);
    if (bytes.empty()) return {};
    const auto header = parse(bytes);
    payload = header.payload_bytes > 0 ? read(header.payload_bytes) : "";
    if (payload.size() != header.payload_bytes) return {};
    if (header.type != Wire::heartbeat) return header;
  }
}

bool RawPeer::closed_by_node() {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds{10};
  char bytes[4096];
  int got = 0;
  do {
    got = SSL_read(tls_->ssl, bytes, sizeof bytes);
    if (std::chrono::steady_clock::now() > deadline) return false;
  } while (got > 0);
  const int why = SSL_get_error(tls_->ssl, got);
  return why != SSL_ERROR_WANT_READ;  // Nothing came for ten seconds.
}

bool RawPeer::introduce_as(const caf::node_id& self) {
  std::string payload;
  const auto header = next(payload);
  if (!header || header->type != Wire::server_handshake) return false;
  caf::binary_deserializer source{
      nullptr,
      caf::span<const caf::byte>(
          reinterpret_cast<const caf::byte*>(payload.data()), payload.size())};
  std::vector<std::string> names;
  if (!source.apply(node_) || !source.apply(names) || !source.apply(gate_))
    return false;
  return send(to_wire({Wire::client_handshake}, to_wire(self)));
}

}  // namespace troupe::cluster
