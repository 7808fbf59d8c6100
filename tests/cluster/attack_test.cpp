// What a hostile peer may try, with a valid certificate and without. Each
// attack must leave the node answering, and must get nothing.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <caf/actor_cast.hpp>
#include <caf/exit_reason.hpp>
#include <caf/openssl/publish.hpp>
#include <caf/send.hpp>

#include "platform/file.hpp"
#include "tests/cluster/node_fixture.hpp"
#include "tests/cluster/raw_peer.hpp"

namespace troupe::cluster {
namespace {

constexpr std::uint64_t kMe = 77;  // The attacker's actor.
constexpr std::uint64_t kRequest = 0x1000'0000'0000'0001;
constexpr std::uint64_t kResponse = 0x9000'0000'0000'0001;
constexpr std::uint64_t kStream = 0x2000'0000'0000'0000;

caf::node_id made_up_node(std::uint32_t pid = 4711) {
  return caf::make_node_id(pid, "0102030405060708090A0B0C0D0E0F1011121314")
      .value_or(caf::node_id{});
}

Frame submit_frame() {
  SubmitRequest request;
  request.jobs.emplace_back();
  request.jobs.back().id = JobId{6, 6};
  return request_frame(request);
}

class AttackTest : public NodeTest {
 protected:
  void SetUp() override {
    NodeTest::SetUp();
    mallory_ = certificate_of("mallory", "studio", Role::user);
  }
  const TlsFiles& mallory() const { return mallory_; }
  /// A peer with a valid certificate that has shaken hands.
  std::unique_ptr<RawPeer> peer(caf::node_id self = made_up_node()) {
    auto raw = std::make_unique<RawPeer>(address().port, mallory_);
    EXPECT_TRUE(raw->introduce_as(self));
    return raw;
  }
  std::string hello_to(std::uint64_t gate_id) {
    return to_wire({Wire::direct_message, 0, 0, kRequest, kMe, gate_id},
                   to_wire(request_frame(Hello{})));
  }
  /// The session that answers this peer's hello.
  std::uint64_t session_of(RawPeer& raw) {
    EXPECT_TRUE(raw.send(hello_to(raw.gate())));
    std::string payload;
    for (;;) {
      const auto header = raw.next(payload);
      if (!header) return 0;
      if (header->type == Wire::direct_message) return header->from;
    }
  }
  std::size_t submits() {
    return seen.with([](Seen& s) { return s.submits.size(); });
  }

 private:
  TlsFiles mallory_;
};

// -- without a valid certificate
// ------------------------------------------------

TEST_F(AttackTest, AClientWithoutACertificateIsRefused) {
  RawPeer nobody{address().port, std::nullopt};
  EXPECT_FALSE(nobody.introduce_as(made_up_node()));
  EXPECT_TRUE(nobody.closed_by_node());
  expect_still_answering();
}

TEST_F(AttackTest, ACertificateOfAnotherAuthorityIsRefused) {
  const auto elsewhere = data() / "elsewhere";
  ASSERT_TRUE(
      ensure_identity(elsewhere, "stranger", system_wall_clock().now()));
  RawPeer stranger{address().port, admin_files(elsewhere)};
  EXPECT_FALSE(stranger.introduce_as(made_up_node()));
  expect_still_answering();
}

TEST_F(AttackTest, ACertificateThatWasRemovedFromTheRegistryIsRefused) {
  auto pem = platform::read_file(mallory().certificate);
  ASSERT_TRUE(pem);
  ASSERT_TRUE(remove_client(clients_file(data()), *fingerprint(*pem)));
  const auto seat = client_as(mallory())->take_seat(address());
  ASSERT_FALSE(seat);
  EXPECT_EQ(seat.error().code, Errc::denied);
  expect_still_answering();
}

/// Serves a gate of its own under whatever certificate it has.
struct Impostor {
  explicit Impostor(const TlsFiles& files) : client{files} {
    GateOptions options;
    options.identify = [](const caf::node_id&) {
      return Principal{"anyone", "any", Role::admin};
    };
    options.node = "impostor";
    gate =
        caf::actor_cast<GateActor>(spawn_gate(client.sys, std::move(options)));
    const auto port = caf::openssl::publish(gate, 0, "127.0.0.1");
    EXPECT_TRUE(port);
    address.host = "127.0.0.1";
    address.port = port ? *port : std::uint16_t{0};
  }
  ~Impostor() { caf::anon_send_exit(gate, caf::exit_reason::kill); }

  TestClient client;
  GateActor gate;
  NodeAddress address;
};

TEST_F(AttackTest, AClientsCertificateCannotServeAsANodes) {
  const Impostor impostor{mallory()};
  const auto seat = admin()->take_seat(impostor.address);
  ASSERT_FALSE(seat);
  EXPECT_EQ(seat.error().code, Errc::unavailable) << seat.error().message;
}

TEST_F(AttackTest, ANodesCertificateCanServeSoTheTestAboveMeansSomething) {
  const Impostor other_node{node_files(data())};
  const auto seat = admin()->take_seat(other_node.address);
  ASSERT_TRUE(seat) << seat.error().message;
  EXPECT_EQ(seat->hello.node, "impostor");
}

TEST_F(AttackTest, JunkConnectionsDisturbNobody) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  auto anna = admin();
  const auto seat = anna->take_seat(address());
  ASSERT_TRUE(seat);
  std::vector<platform::Fd> silent;  // Stay open to the end.
  for (int i = 0; i < 1'500; ++i) {
    auto fd = connect_tcp(address().port);
    ASSERT_TRUE(fd) << "connection " << i;
    const std::string junk(1 + i % 300, static_cast<char>(i));
    // A TLS record that promises 16 KiB and keeps none of it.
    const std::string half("\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03", 11);
    if (i % 4 == 0) ::send(fd.get(), junk.data(), junk.size(), MSG_NOSIGNAL);
    if (i % 4 == 1) ::send(fd.get(), half.data(), half.size(), MSG_NOSIGNAL);
    if (i % 4 != 3) silent.push_back(std::move(fd));
    if (i % 100 == 0) {
      ASSERT_TRUE(anna->ask(seat->session, StatusRequest{})) << i;
    }
  }
  EXPECT_TRUE(anna->ask(seat->session, StatusRequest{}));
  expect_still_answering();
}

class ImpatientNodeTest : public AttackTest {
 protected:
  ImpatientNodeTest() { silence_ms = 400; }
};

TEST_F(ImpatientNodeTest, AConnectionThatSaysNothingIsClosed) {
  auto fd = connect_tcp(address().port);
  char byte = 0;
  EXPECT_EQ(::recv(fd.get(), &byte, 1, 0), 0);  // The end, not the deadline.
}

TEST_F(ImpatientNodeTest, APeerThatFallsSilentIsClosed) {
  auto raw = peer();
  EXPECT_TRUE(raw->closed_by_node());
  expect_still_answering();
}

// -- with a valid certificate
// ----------------------------------------------------

TEST_F(AttackTest, ARawPeerCanTakeASeatSoTheTestsBelowMeanSomething) {
  auto raw = peer();
  const auto session = session_of(*raw);
  ASSERT_NE(session, 0u);
  raw->send(to_wire({Wire::direct_message, 0, 0, kRequest, kMe, session},
                    to_wire(submit_frame())));
  std::string payload;
  ASSERT_TRUE(raw->next(payload));
  EXPECT_NE(payload.find("submit.ok"), std::string::npos);
  EXPECT_EQ(submits(), 1u);
}

TEST_F(AttackTest, AnOversizedFrameHeaderEndsOnlyItsConnection) {
  for (const std::uint32_t bytes : {1024u * 1024 + 1, 0xffff'ffffu}) {
    auto raw = peer();
    raw->send(to_wire({Wire::direct_message, 0, bytes, 0, kMe, raw->gate()}));
    EXPECT_TRUE(raw->closed_by_node()) << bytes;
  }
  expect_still_answering();
}

TEST_F(AttackTest, AFrameHeaderAtTheLimitIsRead) {
  auto raw = peer();
  raw->send(to_wire({Wire::direct_message, 0, 0, 0, kMe, raw->gate()},
                    std::string(1024 * 1024, '\0')));
  EXPECT_NE(session_of(*raw), 0u);
}

TEST_F(AttackTest, AnOversizedHandshakeEndsOnlyItsConnection) {
  RawPeer raw{address().port, mallory()};
  raw.send(to_wire({Wire::client_handshake, 0, 0x7fff'ffff}));
  EXPECT_TRUE(raw.closed_by_node());
  expect_still_answering();
}

TEST_F(AttackTest, AnExitMessageToThePublishedActorIsDropped) {
  auto client = client_as(mallory());
  const auto seat = client->take_seat(address());
  const auto gate_seen = connect_gate(client->sys, address(), 10'000);
  ASSERT_TRUE(seat && gate_seen);
  for (const auto reason :
       {caf::exit_reason::kill, caf::exit_reason::user_shutdown}) {
    caf::anon_send_exit(*gate_seen, reason);
    caf::anon_send_exit(seat->session, reason);
  }
  const auto to = caf::actor_cast<caf::actor>(*gate_seen);
  caf::anon_send(to, caf::down_msg{gate.address(), caf::exit_reason::kill});
  caf::anon_send(to, caf::exit_msg{gate.address(), caf::exit_reason::kill});
  caf::anon_send(to, caf::link_atom_v,
                 caf::actor_cast<caf::strong_actor_ptr>(seat->session));
  // Messages of one connection stay in order: this one comes behind them.
  EXPECT_TRUE(client->ask(seat->session, StatusRequest{}));
  expect_still_answering();
}

TEST_F(AttackTest, ALiveClientsNodeIdIsRefused) {
  auto anna = admin();
  const auto seat = anna->take_seat(address());
  ASSERT_TRUE(seat);
  RawPeer raw{address().port, mallory()};
  raw.introduce_as(anna->sys.node());
  EXPECT_TRUE(raw.closed_by_node());
  EXPECT_TRUE(anna->ask(seat->session, StatusRequest{}));
  expect_still_answering();
}

TEST_F(AttackTest, TheNodesOwnIdAndNoIdAreRefused) {
  for (const auto& self : {node->node(), caf::node_id{}}) {
    RawPeer raw{address().port, mallory()};
    raw.introduce_as(self);
    EXPECT_TRUE(raw.closed_by_node());
  }
  expect_still_answering();
}

TEST_F(AttackTest, ASecondHandshakeEndsTheConnection) {
  auto raw = peer();
  raw->send(to_wire({Wire::client_handshake}, to_wire(made_up_node(4712))));
  EXPECT_TRUE(raw->closed_by_node());
  expect_still_answering();
}

TEST_F(AttackTest, AMessageBeforeTheHandshakeEndsTheConnection) {
  RawPeer raw{address().port, mallory()};
  std::string payload;
  ASSERT_TRUE(raw.next(payload));
  raw.send(to_wire({Wire::direct_message, 0, 0, 0, 0, gate->id()},
                   to_wire(submit_frame())));
  EXPECT_TRUE(raw.closed_by_node());
  expect_still_answering();
}

TEST_F(AttackTest, ANodesHandshakeFromAClientEndsTheConnection) {
  RawPeer raw{address().port, mallory()};
  raw.send(to_wire({Wire::server_handshake, 0, 0, 4},
                   to_wire(made_up_node()) + std::string(20, '\0')));
  EXPECT_TRUE(raw.closed_by_node());
  expect_still_answering();
}

TEST_F(AttackTest, HeadersWithoutTheirPayloadEndTheConnection) {
  for (const auto type :
       {Wire::server_handshake, Wire::client_handshake, Wire::direct_message,
        Wire::routed_message, Wire::monitor_message, Wire::down_message}) {
    RawPeer raw{address().port, mallory()};
    raw.send(
        to_wire({type, 0, 0, type == Wire::server_handshake ? 4u : 0u, 0, 0}));
    EXPECT_TRUE(raw.closed_by_node()) << static_cast<int>(type);
  }
  expect_still_answering();
}

TEST_F(AttackTest, JunkInHandshakesEndsOnlyTheirConnections) {
  for (int i = 0; i < 60; ++i) {
    RawPeer raw{address().port, mallory()};
    raw.send(to_wire({Wire::client_handshake},
                     std::string(1 + 7 * i, static_cast<char>(37 * i))));
    raw.send(std::string(64, static_cast<char>(i)));
    EXPECT_TRUE(raw.closed_by_node()) << i;
  }
  expect_still_answering();
}

TEST_F(AttackTest, ARoutedMessageEndsItsConnection) {
  auto anna = admin();
  const auto seat = anna->take_seat(address());
  ASSERT_TRUE(seat);
  auto raw = peer();
  // "From" the administrator's node, to the administrator's session.
  raw->send(to_wire({Wire::routed_message, 0, 0, 0, 1, seat->session->id()},
                    to_wire(anna->sys.node()) + to_wire(node->node()) +
                        to_wire(submit_frame())));
  EXPECT_TRUE(raw->closed_by_node());
  EXPECT_TRUE(anna->ask(seat->session, StatusRequest{}));
  EXPECT_EQ(submits(), 0u);
}

TEST_F(AttackTest, AGuessedActorIdReachesNobody) {
  auto anna = admin();
  const auto seat = anna->take_seat(address());
  ASSERT_TRUE(seat);
  auto raw = peer();
  for (std::uint64_t id = 1; id < 200; ++id) {
    if (id == raw->gate()) continue;
    // With a sender, and with none.
    raw->send(to_wire({Wire::direct_message, 0, 0, 0, kMe, id},
                      to_wire(submit_frame())));
    raw->send(to_wire({Wire::direct_message, 0, 0, 0, 0, id},
                      to_wire(submit_frame())));
  }
  EXPECT_NE(session_of(*raw), 0u);  // Behind all of them.
  EXPECT_TRUE(anna->ask(seat->session, StatusRequest{}));
  EXPECT_EQ(submits(), 0u);
}

TEST_F(AttackTest, SystemActorsAreReachedByNoName) {
  auto raw = peer();
  for (const std::uint64_t name : {1, 2})
    raw->send(to_wire({Wire::direct_message, 1, 0, kRequest, kMe, name},
                      to_wire(submit_frame())));
  std::string payload;
  EXPECT_NE(session_of(*raw), 0u);
  expect_still_answering();
}

TEST_F(AttackTest, ForgedAnswersAndStreamMessagesAreDropped) {
  auto raw = peer();
  const auto session = session_of(*raw);
  ASSERT_NE(session, 0u);
  for (const auto to : {raw->gate(), session})
    for (const auto id : {kResponse, kResponse + 1, kStream, kStream | 1,
                          kStream | 0x1000'0000'0000'0000})
      raw->send(to_wire({Wire::direct_message, 0, 0, id, kMe, to},
                        to_wire(submit_frame())));
  expect_still_answering();
  EXPECT_EQ(submits(), 0u);
}

TEST_F(AttackTest, AMessageThatNestsWithoutEndIsDropped) {
  auto raw = peer();
  const auto type = caf::type_id_v<caf::message>;
  const std::string level{'\1', static_cast<char>(type >> 8),
                          static_cast<char>(type & 0xff)};
  std::string nested = varint(0);
  while (nested.size() + level.size() < 1024 * 1024) nested += level;
  raw->send(to_wire({Wire::direct_message, 0, 0, 0, kMe, raw->gate()}, nested));
  EXPECT_NE(session_of(*raw), 0u);
  expect_still_answering();
}

TEST_F(AttackTest, AMessageToPassOnIsDropped) {
  auto anna = admin();
  const auto seat = anna->take_seat(address());
  ASSERT_TRUE(seat);
  auto raw = peer();
  std::string payload = varint(1);  // One more actor that is to get it.
  payload.append(8, '\0');
  payload.back() = static_cast<char>(seat->session->id());
  payload += to_wire(node->node()) + to_wire(submit_frame()).substr(1);
  raw->send(to_wire({Wire::direct_message, 0, 0, kRequest, kMe, raw->gate()},
                    payload));
  EXPECT_NE(session_of(*raw), 0u);
  EXPECT_EQ(submits(), 0u);
}

TEST_F(AttackTest, NobodyEndsTheActorsOfAnotherNode) {
  auto anna = admin();
  const auto seat = anna->take_seat(address());
  ASSERT_TRUE(seat);
  auto raw = peer();
  for (std::uint64_t id = 1; id < 100; ++id)  // "Anna's actors have ended."
    raw->send(to_wire({Wire::down_message, 0, 0, 0, id, 0},
                      to_wire(anna->sys.node()) + to_wire(node->node()) +
                          std::string(1, '\0')));
  EXPECT_NE(session_of(*raw), 0u);
  EXPECT_TRUE(anna->ask(seat->session, StatusRequest{}));
}

TEST_F(AttackTest, APeerThatDoesNotReadIsClosed) {
  seen.with([](Seen& s) { return s.stored = std::string(1u << 20, 'x'); });
  auto raw = peer();
  const auto session = session_of(*raw);
  ASSERT_NE(session, 0u);
  const auto ask =
      to_wire({Wire::direct_message, 0, 0, kRequest, kMe, session},
              to_wire(request_frame(DownloadChunk{"x", 0, kMaxChunkBytes})));
  int sent = 0;
  while (sent < 1'000'000 && raw->send(ask)) ++sent;
  EXPECT_LT(sent, 1'000'000);
  expect_still_answering();
}

}  // namespace
}  // namespace troupe::cluster
