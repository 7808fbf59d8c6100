// A node under attack, and an attacker with a valid certificate of little rank
// and a program of its own.
#pragma once

#include <gtest/gtest.h>
#include <caf/send.hpp>

#include <cstdint>
#include <memory>
#include <string>

#include "tests/cluster/node_fixture.hpp"
#include "tests/cluster/raw_peer.hpp"

namespace troupe::cluster {

constexpr std::uint64_t kMe = 77;  // The attacker's actor.
constexpr std::uint64_t kRequest = 0x1000'0000'0000'0001;
constexpr std::uint64_t kResponse = 0x9000'0000'0000'0000;
constexpr std::uint64_t kStream = 0x2000'0000'0000'0000;

inline caf::node_id made_up_node(std::uint32_t pid = 4711) {
  return caf::make_node_id(pid, "0102030405060708090A0B0C0D0E0F1011121314")
      .value_or(caf::node_id{});
}

inline Frame submit_frame() {
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
  void TearDown() override {
    hub_ = nullptr;
    NodeTest::TearDown();
  }
  NodeHandles handles() override {
    auto all = NodeTest::handles();
    hub_ = all.hub;
    return all;
  }
  /// Answers every pull that waits.
  void let_pulls_go() { caf::anon_send(hub_, committed_atom_v, Committed{}); }

  const TlsFiles& mallory() const { return mallory_; }
  /// A peer with a valid certificate that has shaken hands.
  std::unique_ptr<RawPeer> peer(caf::node_id self = made_up_node()) {
    return peer_with(mallory_, self);
  }
  /// The victim: an administrator, who sees every message as it arrives.
  std::unique_ptr<RawPeer> anna() {
    return peer_with(admin_files(data()), anna_node());
  }
  static caf::node_id anna_node() { return made_up_node(4712); }

  static std::string hello_to(std::uint64_t gate_id) {
    return request_to(gate_id, request_frame(Hello{}));
  }
  static std::string request_to(std::uint64_t actor, const Frame& frame) {
    return to_wire({Wire::direct_message, 0, 0, kRequest, kMe, actor},
                   to_wire(frame));
  }
  /// The session that answers this peer's hello.
  static std::uint64_t session_of(RawPeer& raw) {
    EXPECT_TRUE(raw.send(hello_to(raw.gate())));
    std::string payload;
    for (;;) {
      const auto header = raw.next(payload);
      if (!header) return 0;
      if (header->type == Wire::direct_message) return header->from;
    }
  }
  /// The next thing this peer hears is the answer to a question it asks now.
  static void expect_undisturbed(RawPeer& raw, std::uint64_t session) {
    raw.send(request_to(session, request_frame(StatusRequest{})));
    std::string payload;
    const auto header = raw.next(payload);
    ASSERT_TRUE(header) << "the connection ended";
    EXPECT_EQ(header->type, Wire::direct_message);
    EXPECT_NE(payload.find("status.ok"), std::string::npos);
  }
  std::size_t submits() {
    return seen.with([](Seen& s) { return s.submits.size(); });
  }

 private:
  std::unique_ptr<RawPeer> peer_with(const TlsFiles& files,
                                     const caf::node_id& self) {
    for (int more = newcomer_tries;; --more) {
      auto raw = std::make_unique<RawPeer>(address().port, files);
      if (raw->introduce_as(self)) return raw;
      if (more > 1) continue;
      ADD_FAILURE() << "the node closed the connection of a newcomer";
      return raw;
    }
  }

  TlsFiles mallory_;
  EventHubActor hub_;

 protected:
  int newcomer_tries = 1;
};

class ImpatientNodeTest : public AttackTest {
 protected:
  // On a busy machine, under TSan, a handshake may take longer than that.
  ImpatientNodeTest() {
    silence_ms = 1'000;
    newcomer_tries = 10;
  }
};

class OneSeatNodeTest : public AttackTest {
 protected:
  OneSeatNodeTest() { max_sessions = 1; }
};

}  // namespace troupe::cluster
