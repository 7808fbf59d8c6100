// The client as an actor of somebody else's system; see fake_head.hpp.
#include "client/client_actor.hpp"

#include <gtest/gtest.h>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <atomic>
#include <chrono>

#include "actors/errors.hpp"
#include "tests/client/fake_head.hpp"

namespace troupe::client {
namespace {

class ClientActorTest : public HeadTest {
 protected:
  ClientActor spawn() {
    auto actor = spawn_client(sys, options());
    EXPECT_TRUE(actor) << actor.error().message;
    return *actor;
  }
  template <class Reply, class... Ts>
  Result<Reply> ask(const ClientActor& to, Ts&&... xs) {
    caf::scoped_actor self{sys};
    Result<Reply> result = Error{Errc::internal, "no reply"};
    self->request(to, std::chrono::seconds{20}, std::forward<Ts>(xs)...)
        .receive([&](Reply& x) { result = std::move(x); },
                 [&](caf::error& e) { result = from_caf(e); });
    return result;
  }
  // Counts events; answers each batch when it may.
  caf::actor spawn_listener() {
    return sys.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {
          [this](pull_atom, const PullReply& batch) {
            for (const auto& entry : batch.entries) {
              in_order = in_order && entry.index == events + 1;
              ++events;
            }
          },
          [this](ended_atom, const Error& e) { error = e.code; },
      };
    });
  }

  std::atomic<std::uint64_t> events{0};
  std::atomic<bool> in_order{true};
  std::atomic<Errc> error{Errc::internal};

 private:
  caf::actor_system_config config_;

 protected:
  caf::actor_system sys{config_};
};

TEST_F(ClientActorTest, AnswersRequestsAsMessages) {
  auto client = spawn();
  auto submitted =
      ask<SubmitReply>(client, submit_atom_v, SubmitRequest{{job(), job()}});
  ASSERT_TRUE(submitted) << submitted.error().message;
  ASSERT_EQ(submitted->answers.size(), 2u);
  const auto id = submitted->answers[1].id;
  EXPECT_TRUE(id);
  auto shown = ask<ShowReply>(client, show_atom_v, ShowRequest{{id}});
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->answers[0].job->spec.kind, "test.echo");
  auto status = ask<NodeStatus>(client, status_atom_v);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->node, "atelier");
}

TEST_F(ClientActorTest, AnEmptySubmitIsAnsweredToo) {
  auto client = spawn();
  auto submitted = ask<SubmitReply>(client, submit_atom_v, SubmitRequest{});
  ASSERT_TRUE(submitted);
  EXPECT_TRUE(submitted->answers.empty());
}

TEST_F(ClientActorTest, ErrorsKeepTheirCode) {
  memory.with([&](Memory& m) {
    m.refusal = Error{Errc::disk_full, "no room"};
  });
  auto client = spawn();
  auto submitted =
      ask<SubmitReply>(client, submit_atom_v, SubmitRequest{{job()}});
  ASSERT_TRUE(submitted);
  EXPECT_EQ(submitted->answers[0].error->code, Errc::disk_full);
  stop_node();
  auto o = options();
  auto refused = spawn_client(sys, o);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
}

TEST_F(ClientActorTest, ForwardsEventsInOrderThroughARestart) {
  auto client = spawn();
  auto submitted =
      ask<SubmitReply>(client, submit_atom_v, SubmitRequest{{job()}});
  ASSERT_TRUE(submitted);
  const auto id = submitted->answers[0].id;
  add_notes(id, 50);
  PullRequest from_start;
  from_start.max_events = 7;
  caf::anon_send(client, pull_atom_v, from_start, spawn_listener());
  EXPECT_TRUE(eventually([&] { return events == 51; })) << events;
  restart_node();
  add_notes(id, 20);
  EXPECT_TRUE(eventually([&] { return events == 71; })) << events;
  EXPECT_TRUE(in_order);
}

TEST_F(ClientActorTest, TellsTheListenerWhyItsEventsEnd) {
  auto client = spawn();
  auto submitted =
      ask<SubmitReply>(client, submit_atom_v, SubmitRequest{{job()}});
  ASSERT_TRUE(submitted);
  caf::anon_send(client, pull_atom_v, PullRequest{}, spawn_listener());
  ASSERT_TRUE(eventually([&] { return events == 1; }));
  stop_node();
  store_id = "store-2";
  start_node();
  EXPECT_TRUE(eventually([&] { return error == Errc::stale; }));
}

}  // namespace
}  // namespace troupe::client
