#include "codec/msgpack_writer.hpp"

#define MSGPACK_NO_BOOST
#include <msgpack/pack.hpp>

namespace troupe {
namespace {

struct Appender {
  std::string& out;
  void write(const char* bytes, std::size_t size) { out.append(bytes, size); }
};

// A packer holds a reference to its stream and nothing else.
template <class Write>
void pack(std::string& out, Write&& write) {
  Appender appender{out};
  msgpack::packer<Appender> packer{appender};
  write(packer);
}

}  // namespace

bool MsgpackWriter::value(JobId& x) {
  char bytes[16];
  for (int i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(x.hi >> (56 - 8 * i));
    bytes[8 + i] = static_cast<char>(x.lo >> (56 - 8 * i));
  }
  binary({bytes, sizeof bytes});
  return true;
}

void MsgpackWriter::nil() {
  pack(out_, [](auto& p) { p.pack_nil(); });
}
void MsgpackWriter::boolean(bool x) {
  pack(out_, [x](auto& p) { x ? p.pack_true() : p.pack_false(); });
}
void MsgpackWriter::natural(std::uint64_t x) {
  pack(out_, [x](auto& p) { p.pack_uint64(x); });
}
void MsgpackWriter::integer(std::int64_t x) {
  pack(out_, [x](auto& p) { p.pack_int64(x); });
}
void MsgpackWriter::real(double x) {
  pack(out_, [x](auto& p) { p.pack_double(x); });
}
void MsgpackWriter::text(std::string_view x) {
  pack(out_, [x](auto& p) {
    p.pack_str(static_cast<std::uint32_t>(x.size()));
    p.pack_str_body(x.data(), static_cast<std::uint32_t>(x.size()));
  });
}
void MsgpackWriter::binary(std::string_view x) {
  pack(out_, [x](auto& p) {
    p.pack_bin(static_cast<std::uint32_t>(x.size()));
    p.pack_bin_body(x.data(), static_cast<std::uint32_t>(x.size()));
  });
}
void MsgpackWriter::array_header(std::size_t items) {
  pack(out_,
       [items](auto& p) { p.pack_array(static_cast<std::uint32_t>(items)); });
}
void MsgpackWriter::map_header(std::size_t pairs) {
  pack(out_,
       [pairs](auto& p) { p.pack_map(static_cast<std::uint32_t>(pairs)); });
}

}  // namespace troupe
