// Who is taken out of the registry of clients, and a registry that cannot be
// read, over real sockets and real TLS.
#include <gtest/gtest.h>

#include <atomic>

#include "cluster/access.hpp"
#include "tests/cluster/session_fixture.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::cluster {
namespace {

class RemovedClientTest : public SessionTest {
 protected:
  void remove(const std::string& name) {
    const auto removed = revoke_client(data(), name);
    ASSERT_TRUE(removed) << removed.error().message;
    EXPECT_EQ(removed->size(), 1u);
  }
  static bool hears_of_its_end(caf::scoped_actor& self) {
    bool ended = false;
    self->receive([&](const caf::down_msg&) { ended = true; },
                  caf::after(std::chrono::seconds{10}) >> [] {});
    return ended;
  }
};

TEST_F(RemovedClientTest, ItsSessionEndsWhileAFollowerWaits) {
  auto eve = guest(certificate_of("eve", "studio", Role::user));
  auto anna = guest(certificate_of("anna", "studio", Role::user));
  caf::scoped_actor follower{eve.client->sys};
  follower->monitor(eve.session);
  PullRequest wait;
  wait.wait_ms = 20'000;
  follower->send(eve.session, request_frame(wait));
  ASSERT_TRUE(platform::eventually(
      [&] { return seen.with([](Seen& s) { return s.pulls.size() == 1; }); }));
  remove("eve");
  std::optional<Error> why;
  follower->receive([&](const Frame& frame) { why = read_error(frame); },
                    caf::after(std::chrono::seconds{10}) >> [] {});
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, Errc::denied);
  EXPECT_NE(why->message.find("registry of clients"), std::string::npos);
  EXPECT_TRUE(hears_of_its_end(follower));
  expect_error(eve.client->take_seat(address()), Errc::denied);
  EXPECT_TRUE(anna.ask(StatusRequest{}));
}

TEST_F(RemovedClientTest, AnotherHelloOfItIsRefusedAtOnce) {
  auto eve = guest(certificate_of("eve", "studio", Role::user));
  caf::scoped_actor watcher{eve.client->sys};
  watcher->monitor(eve.session);
  remove("eve");
  expect_error(eve.client->take_seat(address()), Errc::denied);
  EXPECT_TRUE(hears_of_its_end(watcher));
}

/// A look-up that answers what the test says.
class LookUpTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    GateOptions options;
    options.identify.find = [this](const caf::node_id&) -> Result<Principal> {
      ++looks;
      const Errc now = answer;
      if (now != Errc{}) return Error{now, "as the test says"};
      return Principal{"eve", "studio", Role::user};
    };
    options.identify.changed = [this] { return changed.exchange(false); };
    options.look_again_ms = 10;
    options.handles = handles();
    gate_ = spawn_gate(*node, std::move(options));
  }
  void TearDown() override {
    caf::anon_send_exit(gate_, caf::exit_reason::user_shutdown);
    gate_ = nullptr;
    SessionTest::TearDown();
  }
  /// The session of a client in the node's own process.
  SessionActor hello(caf::scoped_actor& self) {
    SessionActor session;
    self->request(gate_, std::chrono::seconds{10}, request_frame(own_hello()))
        .receive(
            [&](const Frame&) {
              session = caf::actor_cast<SessionActor>(self->current_sender());
            },
            [](caf::error& e) { ADD_FAILURE() << from_caf(e).message; });
    return session;
  }

  std::atomic<int> looks{0};
  std::atomic<Errc> answer{Errc{}};
  std::atomic<bool> changed{false};

 private:
  BoundGate gate_;
};

TEST_F(LookUpTest, OneThatFailsShutsNobodyOutAndIsRepeated) {
  caf::scoped_actor eve{*node};
  const auto session = hello(eve);
  ASSERT_TRUE(session);
  eve->monitor(session);
  answer = Errc::corrupt;
  changed = true;
  ASSERT_TRUE(platform::eventually([&] { return looks >= 4; }));
  bool ended = false;
  eve->receive([&](const caf::down_msg&) { ended = true; },
               caf::after(std::chrono::seconds{0}) >> [] {});
  EXPECT_FALSE(ended);
  answer = Errc::denied;
  eve->receive([&](const caf::down_msg&) { ended = true; },
               caf::after(std::chrono::seconds{10}) >> [] {});
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace troupe::cluster
