// The client against a node with real sockets and TLS; see fake_head.hpp.
#include "client/client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "cluster/pki.hpp"
#include "core/clock.hpp"
#include "tests/client/fake_head.hpp"

namespace troupe::client {
namespace {

class ClientTest : public HeadTest {
 protected:
  cluster::IssuedClient issue(const std::string& name) {
    auto issued = cluster::issue_client(data(), {name, "studio", Role::user},
                                        system_wall_clock().now());
    EXPECT_TRUE(issued) << issued.error().message;
    return issued ? *issued : cluster::IssuedClient{};
  }
  /// Of a client elsewhere, which has its certificate and no data folder.
  Options options_of(const cluster::IssuedClient& client) {
    const auto address = cluster::read_node_address(data());
    EXPECT_TRUE(address);
    Options o;
    o.host = address->host;
    o.port = address->port;
    o.authority = client.files.authority;
    o.certificate = client.files.certificate;
    o.key = client.files.key;
    return o;
  }
};

TEST_F(ClientTest, SubmitsAndWaitsForTheEnd) {
  auto client = connect();
  auto answer = client->submit(job());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_FALSE(answer->existed);
  auto waiting = std::async(std::launch::async,
                            [&] { return client->wait(answer->id, 20'000); });
  end_job(answer->id);
  auto view = waiting.get();
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->state, JobState::succeeded);
  EXPECT_EQ(view->result, R"({"text":"done"})");
}

TEST_F(ClientTest, TheSameIdIsTheSameJob) {
  auto client = connect();
  auto spec = job();
  spec.id = client->new_id();
  ASSERT_TRUE(client->submit(spec));
  auto again = client->submit(spec);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->existed);
  EXPECT_EQ(memory.with([](Memory& m) { return m.accepted; }), 1u);
}

TEST_F(ClientTest, AHundredSubmitsTravelInFewFrames) {
  auto client = connect();
  auto answers = client->submit_many(std::vector<JobSpec>(100, job()));
  ASSERT_TRUE(answers) << answers.error().message;
  EXPECT_EQ(answers->size(), 100u);
  EXPECT_EQ(memory.with([](Memory& m) { return m.accepted; }), 100u);
  EXPECT_LE(memory.with([](Memory& m) { return m.submit_sizes.size(); }), 10u);
  EXPECT_LE(client->stats().submit_frames_sent, 10u);
}

TEST_F(ClientTest, AnswersEveryJobOfManyByItself) {
  auto client = connect();
  auto known = job();
  known.id = client->new_id();
  ASSERT_TRUE(client->submit(known));
  auto huge = job();
  huge.params = std::string(kMaxFrameBytes, 'x');
  auto answers = client->submit_many({job(), known, huge});
  ASSERT_TRUE(answers);
  EXPECT_FALSE((*answers)[0].existed);
  EXPECT_FALSE((*answers)[0].error);
  EXPECT_TRUE((*answers)[1].existed);
  ASSERT_TRUE((*answers)[2].error);
  EXPECT_EQ((*answers)[2].error->code, Errc::too_large);
}

TEST_F(ClientTest, HandsTheHeadsFaultsOn) {
  memory.with([&](Memory& m) {
    m.refusal = Error{Errc::invalid_argument,
                      "the job is wrong",
                      {{"params.text", "must be a string"}}};
  });
  auto client = connect();
  auto answer = client->submit(job());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::invalid_argument);
  ASSERT_EQ(answer.error().faults.size(), 1u);
  EXPECT_EQ(answer.error().faults[0].path, "params.text");
}

TEST_F(ClientTest, ManyThreadsShareOneClient) {
  memory.with([&](Memory& m) { m.end_at_once = true; });
  auto client = connect();
  std::vector<std::future<int>> threads;
  for (int t = 0; t < 8; ++t)
    threads.push_back(std::async(std::launch::async, [&] {
      int ended = 0;
      for (int i = 0; i < 20; ++i) {
        auto answer = client->submit(job());
        auto view = answer ? client->wait(answer->id, 20'000)
                           : Result<JobView>{answer.error()};
        ended += view && view->state == JobState::succeeded;
      }
      return ended;
    }));
  for (auto& thread : threads) EXPECT_EQ(thread.get(), 20);
  EXPECT_EQ(memory.with([](Memory& m) { return m.accepted; }), 160u);
}

TEST_F(ClientTest, AsynchronousSubmitsCallBackOnceEach) {
  auto client = connect();
  std::atomic<int> good{0};
  for (int i = 0; i < 1'000; ++i) {
    auto id = client->submit_async(
        job(), [&](Result<SubmitAnswer> answer) { good += bool(answer); });
    ASSERT_TRUE(id);
  }
  EXPECT_TRUE(eventually([&] { return good == 1'000; }));
  EXPECT_EQ(memory.with([](Memory& m) { return m.accepted; }), 1'000u);
}

TEST_F(ClientTest, ACallbackMaySubmitButNotBlock) {
  auto client = connect();
  std::promise<Errc> blocked;
  std::promise<bool> chained;
  auto first = client->submit_async(job(), [&](Result<SubmitAnswer>) {
    auto shown = client->show(JobId{1, 1});
    blocked.set_value(shown ? Errc::internal : shown.error().code);
    auto second = client->submit_async(
        job(), [&](Result<SubmitAnswer> a) { chained.set_value(bool(a)); });
    EXPECT_TRUE(second);
  });
  ASSERT_TRUE(first);
  EXPECT_EQ(blocked.get_future().get(), Errc::invalid_argument);
  EXPECT_TRUE(chained.get_future().get());
}

// -- timeouts and restarts ----------------------------------------------------

TEST_F(ClientTest, ATimeoutLeavesTheOutcomeOpenAndAskingAgainIsSafe) {
  memory.with([&](Memory& m) { m.submits_to_swallow = 1; });
  auto client = connect();
  auto spec = job();
  spec.id = client->new_id();
  auto lost = client->submit(spec, 300);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Errc::timeout);
  auto again = client->submit(spec);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->existed);
  EXPECT_EQ(memory.with([](Memory& m) { return m.accepted; }), 1u);
}

TEST_F(ClientTest, SendsUnansweredSubmitsAgainAfterARestart) {
  memory.with([&](Memory& m) { m.submits_to_swallow = 1; });
  auto client = connect();
  auto answer =
      std::async(std::launch::async, [&] { return client->submit(job()); });
  ASSERT_TRUE(eventually(
      [&] { return memory.with([](Memory& m) { return m.accepted == 1; }); }));
  restart_node();
  auto heard = answer.get();
  ASSERT_TRUE(heard) << heard.error().message;
  EXPECT_TRUE(heard->existed);
  EXPECT_EQ(memory.with([](Memory& m) { return m.accepted; }), 1u);
  EXPECT_EQ(client->stats().reconnects, 1u);
}

TEST_F(ClientTest, AShortTimeoutHoldsWhileALongOneIsOpen) {
  memory.with([&](Memory& m) { m.submits_to_swallow = 2; });
  auto client = connect();
  ASSERT_TRUE(client->submit_async(job(), [](Result<SubmitAnswer>) {}));
  auto late = client->submit(job(), 300);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timeout);
  EXPECT_TRUE(client->ping());
}

TEST_F(ClientTest, WhoAsksWhetherAHeadAnswersMayGiveUpBeforeTheTimeIsOver) {
  auto client = connect();
  EXPECT_TRUE(client->ping(20'000, [] { return false; }));
  stop_node();
  int asked = 0;
  // An hour: longer than a test may take.
  const auto answer = client->ping(3'600'000, [&] { return ++asked == 2; });
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::timeout);
}

TEST_F(ClientTest, WaitsForAHeadThatIsAwayAsLongAsTheTimeoutAllows) {
  auto client = connect();
  stop_node();
  auto late = client->submit(job(), 300);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timeout);
  auto asked =
      std::async(std::launch::async, [&] { return client->status(20'000); });
  start_node();
  auto status = asked.get();
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->node, "atelier");
}

TEST_F(ClientTest, ReconnectsAgainAndAgain) {
  auto client = connect();
  for (int i = 0; i < 3; ++i) {
    restart_node();
    auto status = client->status(20'000);
    ASSERT_TRUE(status) << status.error().message;
  }
}

TEST_F(ClientTest, FailsAtOnceWhenToldNotToReconnect) {
  auto o = options();
  o.reconnect = false;
  auto client = connect(o);
  stop_node();
  auto status = client->status(20'000);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::unavailable);
}

TEST_F(ClientTest, ComesBackWhenTheHeadSaysSo) {
  memory.with([&](Memory& m) { m.submits_to_postpone = 3; });
  auto client = connect();
  auto answer = client->submit(job());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(memory.with([](Memory& m) { return m.submit_sizes.size(); }), 4u);
}

TEST_F(ClientTest, ClosingAnswersWhatIsOpen) {
  memory.with([&](Memory& m) { m.submits_to_swallow = 1; });
  auto client = connect();
  std::promise<Errc> heard;
  auto sent = client->submit_async(job(), [&](Result<SubmitAnswer> answer) {
    heard.set_value(answer ? Errc::internal : answer.error().code);
  });
  ASSERT_TRUE(sent);
  client.reset();
  EXPECT_EQ(heard.get_future().get(), Errc::cancelled);
}

// -- asking -------------------------------------------------------------------

TEST_F(ClientTest, AsksAndOrders) {
  auto client = connect();
  auto id = client->submit(job())->id;
  auto view = client->show(id);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->spec.kind, "test.echo");
  EXPECT_EQ(client->list({})->jobs.size(), 1u);
  EXPECT_EQ(client->cancel(id)->state, JobState::cancelled);
  EXPECT_EQ(client->explain(id)->sentences.size(), 1u);
  ControlRequest pause;
  pause.verb = ControlVerb::pause;
  EXPECT_TRUE(client->control(pause)->paused);
  EXPECT_TRUE(client->backup("/anywhere"));
}

TEST_F(ClientTest, AnUnknownJobIsNotFound) {
  auto client = connect();
  auto view = client->show(JobId{1, 2});
  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().code, Errc::not_found);
  auto waited = client->wait(JobId{1, 2}, 1'000);
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, Errc::not_found);
}

TEST_F(ClientTest, ShowsMoreJobsThanAFrameHolds) {
  auto client = connect();
  auto big = job();
  big.params = std::string(16'000, 'x');
  auto submitted = client->submit_many(std::vector<JobSpec>(40, big));
  ASSERT_TRUE(submitted);
  std::vector<JobId> ids;
  for (const auto& answer : *submitted) ids.push_back(answer.id);
  auto shown = client->show_many(ids);
  ASSERT_TRUE(shown) << shown.error().message;
  ASSERT_EQ(shown->size(), 40u);
  for (std::size_t i = 0; i < ids.size(); ++i)
    EXPECT_EQ((*shown)[i].job->spec.id, ids[i]);
}

TEST_F(ClientTest, AWaitThatEndsTooEarlySaysSo) {
  auto client = connect();
  auto id = client->submit(job())->id;
  auto view = client->wait(id, 200);
  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().code, Errc::timeout);
}

TEST_F(ClientTest, WaitsForManyInTheirOrder) {
  auto client = connect();
  auto submitted = client->submit_many(std::vector<JobSpec>(30, job()));
  ASSERT_TRUE(submitted);
  std::vector<JobId> ids;
  for (const auto& answer : *submitted) ids.push_back(answer.id);
  for (int i = 0; i < 10; ++i) end_job(ids[static_cast<std::size_t>(i)]);
  auto waiting = std::async(std::launch::async, [&] {
    auto asked = ids;
    asked.push_back(JobId{9, 9});
    return client->wait_many(asked, 20'000);
  });
  for (int i = 29; i >= 10; --i) end_job(ids[static_cast<std::size_t>(i)]);
  auto views = waiting.get();
  ASSERT_TRUE(views) << views.error().message;
  ASSERT_EQ(views->size(), 31u);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ((*views)[i].id, ids[i]);
    EXPECT_EQ((*views)[i].job->state, JobState::succeeded);
  }
  EXPECT_EQ((*views)[30].error->code, Errc::not_found);
}

// -- connecting ---------------------------------------------------------------

TEST_F(ClientTest, SaysHowToStartANodeWhereNoneRuns) {
  stop_node();
  auto client = Client::connect(options());
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, Errc::unavailable);
  EXPECT_NE(client.error().message.find("troupe node"), std::string::npos)
      << client.error().message;
}

TEST_F(ClientTest, SaysThatItsCertificateIsMissing) {
  std::filesystem::remove(cluster::admin_files(data()).certificate);
  auto client = Client::connect(options());
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, Errc::corrupt);
  EXPECT_NE(client.error().message.find("admin.pem"), std::string::npos)
      << client.error().message;
}

TEST_F(ClientTest, ConnectsWithACertificateOfItsOwn) {
  const auto issued = issue("anna");
  auto o = options_of(issued);
  auto client = connect(o);
  ASSERT_TRUE(client);
  auto id = client->submit(job())->id;
  EXPECT_EQ(memory.with([&](Memory& m) { return m.jobs[id].spec.tenant; }),
            "studio");
}

TEST_F(ClientTest, ACertificateThatWasWithdrawnIsRefused) {
  const auto issued = issue("anna");
  ASSERT_TRUE(cluster::remove_client(cluster::clients_file(data()),
                                     issued.fingerprint));
  auto o = options_of(issued);
  o.connect_timeout_ms = 5'000;
  auto client = Client::connect(o);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, Errc::denied) << client.error().message;
}

TEST_F(ClientTest, ACertificateThatIsWithdrawnMeanwhileIsRefusedForGood) {
  const auto issued = issue("eve");
  auto o = options_of(issued);
  auto client = connect(o);
  ASSERT_TRUE(client);
  ASSERT_TRUE(client->submit(job()));
  auto follower = client->follow({.from_now = true});
  ASSERT_TRUE(follower);
  ASSERT_TRUE(cluster::remove_client(cluster::clients_file(data()),
                                     issued.fingerprint));
  const auto events = (*follower)->next(20'000);
  ASSERT_FALSE(events);
  EXPECT_EQ(events.error().code, Errc::denied) << events.error().message;
  const auto refused = client->submit(job());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied) << refused.error().message;
  EXPECT_EQ(memory.with([](Memory& m) { return m.accepted; }), 1u);
  stop_node();  // Who dialled now would hear nothing.
  const auto later = client->submit(job(), 2'000);
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, Errc::denied) << later.error().message;
}

TEST_F(ClientTest, RefusesOptionsThatMakeNoSense) {
  Options nowhere;
  EXPECT_EQ(Client::connect(nowhere).error().code, Errc::invalid_argument);
  Options no_port;
  no_port.host = "127.0.0.1";
  EXPECT_EQ(Client::connect(no_port).error().code, Errc::invalid_argument);
  auto no_time = options();
  no_time.timeout_ms = 0;
  EXPECT_EQ(Client::connect(no_time).error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace troupe::client
