// What a client may do, over real sockets and real TLS.
#include <gtest/gtest.h>

#include "cluster/access.hpp"
#include "tests/cluster/session_fixture.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::cluster {
namespace {

JobSpec job_named_by(std::string principal, std::string tenant) {
  JobSpec job;
  job.id = JobId{1, 2};
  job.kind = "process.run";
  job.params = "{}";
  job.submitted_by = std::move(principal);
  job.tenant = std::move(tenant);
  return job;
}

TEST_F(SessionTest, HelloSaysWhoTheClientIs) {
  const auto anna = guest(certificate_of("anna", "studio", Role::user));
  EXPECT_EQ(anna.hello.principal.name, "anna");
  EXPECT_EQ(anna.hello.principal.tenant, "studio");
  EXPECT_EQ(anna.hello.principal.role, Role::user);
  EXPECT_EQ(anna.hello.node, "atelier");
  EXPECT_EQ(anna.hello.store_id, "store-1");
}

TEST_F(SessionTest, AClientFindsTheNodeByItsDataFolder) {
  const auto found = read_node_address(data());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->port, address().port);
  EXPECT_EQ(found->fingerprint, address().fingerprint);
}

TEST_F(SessionTest, WhereNobodyAnswersItSaysWhyInWordsOfItsOwn) {
  auto client = admin();
  auto at = address();
  at.port = 1;  // Nobody has it.
  const auto refused = client->take_seat(at);
  expect_error(refused, Errc::unavailable);
  EXPECT_NE(refused.error().message.find("127.0.0.1:1 (the connection was "
                                         "refused: nothing listens there)"),
            std::string::npos)
      << refused.error().message;
  EXPECT_GT(refused.error().retry_after_ms, 0);
  at.host = "nobody.invalid";
  const auto unknown = client->take_seat(at);
  expect_error(unknown, Errc::unavailable);
  EXPECT_EQ(unknown.error().message.find("caf::"), std::string::npos)
      << unknown.error().message;
}

TEST_F(SessionTest, NoOtherNodeMayAnswerThere) {
  auto expected = address();
  expected.fingerprint = std::string(64, '0');
  auto client = admin();
  expect_error(client->take_seat(expected), Errc::denied);
}

TEST_F(SessionTest, ASubmitOfManyJobsTravelsOnAsOneMessage) {
  auto anna = guest(certificate_of("anna", "studio", Role::user));
  SubmitRequest request;
  request.jobs.assign(50, job_named_by("", ""));
  const auto reply = anna.ask(request);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->answers.size(), 50u);
  EXPECT_EQ(seen.with([](Seen& s) { return s.submits.size(); }), 1u);
}

TEST_F(SessionTest, ASubmitInAnothersNameBearsTheCertificatesName) {
  auto anna = guest(certificate_of("anna", "studio", Role::user));
  ASSERT_TRUE(anna.ask(SubmitRequest{{job_named_by("boss", "other")}}));
  const auto job =
      seen.with([](Seen& s) { return s.submits.at(0).jobs.at(0); });
  EXPECT_EQ(job.submitted_by, "anna");
  EXPECT_EQ(job.tenant, "studio");
  expect_still_answering();
}

TEST_F(SessionTest, AViewerMayLookButNotSubmit) {
  auto eve = guest(certificate_of("eve", "studio", Role::viewer));
  EXPECT_TRUE(eve.ask(ShowRequest{{JobId{1, 2}}}));
  expect_error(eve.ask(SubmitRequest{{job_named_by("", "")}}), Errc::denied);
  EXPECT_EQ(seen.with([](Seen& s) { return s.submits.size(); }), 0u);
}

SubmitReply refused_model() {
  SubmitReply reply;
  Error why{Errc::invalid_argument,
            "model cannot be used: open /etc/x/c: no",
            {{"model", "cannot be used: open /etc/x/c: no"},
             {"tags", "are too many"}}};
  reply.answers = {{.error = why}, {.error = why}, {}};
  return reply;
}

TEST(HiddenFolders, SayNothingOfTheDiskToWhoIsNoAdministrator) {
  SubmitRequest request;
  request.jobs.resize(3);
  request.jobs[0].model = "/etc/x";
  request.jobs[1].model = "mine";
  request.jobs[2].model = "/srv/good";
  auto reply = refused_model();
  hide_folders(models_to_hide({"anna", "studio", Role::user}, request), reply);
  const auto& told = *reply.answers[0].error;
  EXPECT_EQ(told.message.find("/etc"), std::string::npos) << told.message;
  EXPECT_EQ(told.faults[0].message.find("open"), std::string::npos);
  EXPECT_EQ(told.faults[1].message, "are too many");
  EXPECT_NE(reply.answers[1].error->message.find("open"), std::string::npos);
  EXPECT_FALSE(reply.answers[2].error);
  reply = refused_model();
  hide_folders(models_to_hide({"boss", "", Role::admin}, request), reply);
  EXPECT_NE(reply.answers[0].error->message.find("/etc"), std::string::npos);
}

TEST_F(SessionTest, AUserMayNotPauseTheQueue) {
  auto anna = guest(certificate_of("anna", "studio", Role::user));
  expect_error(anna.ask(ControlRequest{}), Errc::denied);
  auto boss = guest(admin_files(data()));
  EXPECT_TRUE(boss.ask(ControlRequest{}));
  EXPECT_EQ(seen.with([](Seen& s) { return s.controls.at(0).by; }), "admin");
}

TEST_F(SessionTest, JobsOfAnotherTenantAreHidden) {
  auto bert = guest(certificate_of("bert", "factory", Role::user));
  const auto shown = bert.ask(ShowRequest{{JobId{1, 2}}});
  ASSERT_TRUE(shown);
  EXPECT_FALSE(shown->answers.at(0).job);
  EXPECT_EQ(shown->answers.at(0).error->code, Errc::not_found);
}

TEST_F(SessionTest, ListsPullsAndCancelsAreBoundToTheTenant) {
  auto bert = guest(certificate_of("bert", "factory", Role::user));
  ListRequest list;
  list.tenant = "studio";
  ASSERT_TRUE(bert.ask(list));
  PullRequest pull;
  pull.tenant = "studio";
  ASSERT_TRUE(bert.ask(pull));
  CancelRequest cancel;
  cancel.tenant = "studio";
  cancel.by = "boss";
  ASSERT_TRUE(bert.ask(cancel));
  seen.with([](Seen& s) {
    EXPECT_EQ(s.lists.at(0).tenant, "factory");
    EXPECT_EQ(s.pulls.at(0).tenant, "factory");
    EXPECT_EQ(s.cancels.at(0).tenant, "factory");
    EXPECT_EQ(s.cancels.at(0).by, "bert");
    return 0;
  });
}

TEST_F(SessionTest, AnUnknownFrameTypeIsRefusedByName) {
  auto boss = guest(admin_files(data()));
  const auto answer =
      boss.client->ask_frame(boss.session, Frame{1, "sumbit", {}});
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->type, kErrorFrame);
  const auto error = read_error(*answer);
  EXPECT_EQ(error.code, Errc::unsupported);
  EXPECT_NE(error.message.find("sumbit"), std::string::npos);
  expect_still_answering();
}

TEST_F(SessionTest, AFrameThatIsNoMsgpackIsRefused) {
  auto boss = guest(admin_files(data()));
  const auto answer =
      boss.client->ask_frame(boss.session, Frame{1, "submit", "\xc1junk"});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, kErrorFrame);
  expect_still_answering();
}

TEST_F(SessionTest, AFrameOfAnotherProtocolVersionIsRefused) {
  auto boss = guest(admin_files(data()));
  auto frame = request_frame(StatusRequest{});
  frame.protocol = 9;
  const auto answer = boss.client->ask_frame(boss.session, frame);
  ASSERT_TRUE(answer);
  EXPECT_EQ(read_error(*answer).code, Errc::unsupported);
}

TEST_F(SessionTest, HelloOfAFutureClientIsRefusedWithBothRanges) {
  auto boss = guest(admin_files(data()));
  Hello hello;
  hello.protocol_min = 7;
  hello.protocol_max = 9;
  const auto reply = boss.ask(hello);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::unsupported);
  EXPECT_NE(reply.error().message.find("7 to 9"), std::string::npos);
}

TEST_F(SessionTest, AFrameAtTheLimitPassesAndOneByteMoreDoesNot) {
  auto boss = guest(admin_files(data()));
  const auto send = [&](std::size_t bytes) {
    return read_error(*boss.client->ask_frame(
                          boss.session,
                          Frame{1, "submit", std::string(bytes, '\xc1')}))
        .code;
  };
  EXPECT_EQ(send(kMaxFrameBytes), Errc::corrupt);  // Read, and no msgpack.
  EXPECT_EQ(send(kMaxFrameBytes + 1), Errc::too_large);
}

TEST_F(SessionTest, AnAnswerOverTheLimitIsAnErrorThatSaysSo) {
  auto boss = guest(admin_files(data()));
  ListRequest list;
  list.kind = "long";
  expect_error(boss.ask(list), Errc::too_large);
}

TEST_F(SessionTest, AChunkOfAFileMayBeLonger) {
  auto boss = guest(admin_files(data()));
  UploadChunk chunk;
  chunk.sha256 = std::string(64, 'a');
  chunk.bytes = std::string(kMaxChunkBytes, 'b');
  const auto state = boss.ask(chunk);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->offset, kMaxChunkBytes);
  const auto back = boss.ask(DownloadChunk{chunk.sha256, 1, kMaxChunkBytes});
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->bytes.size(), kMaxChunkBytes - 1);
}

TEST_F(SessionTest, AnErrorOfTheNodeKeepsItsCode) {
  auto boss = guest(admin_files(data()));
  UploadChunk chunk;
  chunk.offset = 7;
  expect_error(boss.ask(chunk), Errc::stale);
}

TEST_F(SessionTest, TheGateRefusesWhatIsNoHello) {
  auto client = admin();
  const auto gate_seen = connect_gate(client->sys, address(), 10'000);
  ASSERT_TRUE(gate_seen);
  expect_error(client->ask(*gate_seen, StatusRequest{}), Errc::unsupported);
}

TEST_F(SessionTest, ASecondHelloOfAConnectionFindsTheSameSession) {
  auto client = admin();
  const auto first = client->take_seat(address());
  const auto second = client->take_seat(address());
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->session, second->session);
}

TEST_F(SessionTest, ARestartedChildIsFoundBySessionsThatExist) {
  auto anna = guest(certificate_of("anna", "studio", Role::user));
  Seen other;
  caf::anon_send(
      gate, bind_atom_v, std::string("scheduler"),
      caf::actor_cast<caf::actor>(spawn_fake_scheduler(*node, other)));
  // The gate forwards in order: a second seat means that it did.
  expect_still_answering();
  ASSERT_TRUE(anna.ask(SubmitRequest{{job_named_by("", "")}}));
  EXPECT_EQ(other.with([](Seen& s) { return s.submits.size(); }), 1u);
}

TEST_F(SessionTest, ARestartedGateIsFoundUnderTheSamePort) {
  auto anna = guest(certificate_of("anna", "studio", Role::user));
  caf::scoped_actor watcher{anna.client->sys};
  watcher->monitor(anna.session);
  const auto port = address().port;
  caf::anon_send_exit(gate, caf::exit_reason::kill);
  // Sessions end with their gate, so that clients know to come again.
  bool lost = false;
  watcher->receive([&](const caf::down_msg&) { lost = true; },
                   caf::after(std::chrono::seconds{10}) >> [] {});
  EXPECT_TRUE(lost);
  gate = spawn_gate_of_fakes();
  open(port);
  EXPECT_EQ(address().port, port);
  expect_still_answering();
  // The news of the old gate's end may still be on its way to the client.
  EXPECT_TRUE(platform::eventually([&] {
    const auto again = anna.client->take_seat(address());
    return again && anna.client->ask(again->session, StatusRequest{});
  }));
}

class NarrowSessionTest : public SessionTest {
 protected:
  NarrowSessionTest() {
    limits.window_jobs = 3;
    limits.window_pulls = 2;
  }
};

TEST_F(NarrowSessionTest, BeyondTheWindowSubmitsAreRefusedWithAHint) {
  auto anna = guest(certificate_of("anna", "studio", Role::user));
  SubmitRequest request;
  request.jobs.assign(4, job_named_by("", ""));
  const auto reply = anna.ask(request);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::unavailable);
  EXPECT_GT(reply.error().retry_after_ms, 0);
  request.jobs.resize(3);
  EXPECT_TRUE(anna.ask(request));
}

TEST_F(NarrowSessionTest, BeyondTheWindowFollowersAreRefused) {
  auto anna = guest(certificate_of("anna", "studio", Role::user));
  caf::scoped_actor self{anna.client->sys};
  PullRequest wait;
  wait.wait_ms = 20'000;
  self->send(anna.session, request_frame(wait));
  self->send(anna.session, request_frame(wait));
  const auto third = anna.ask(wait);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::unavailable);
}

class BusySessionTest : public SessionTest {
 protected:
  BusySessionTest() {
    limits.window_frames = 2;
    limits.request_timeout_ms = 300;
  }
};

TEST_F(BusySessionTest, BeyondTheWindowRequestsAreRefusedWithAHint) {
  auto anna = guest(certificate_of("anna", "studio", Role::user));
  caf::scoped_actor self{anna.client->sys};
  PullRequest wait;
  wait.wait_ms = 20'000;
  self->send(anna.session, request_frame(wait));
  EXPECT_TRUE(anna.ask(ShowRequest{{JobId{1, 2}}})) << "one at the limit";
  self->send(anna.session, request_frame(wait));
  const auto third = anna.ask(ShowRequest{{JobId{1, 2}}});
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::unavailable);
  EXPECT_GT(third.error().retry_after_ms, 0);
}

TEST_F(BusySessionTest, WhatTheNodeDoesNotAnswerInTimeIsATimeout) {
  auto anna = guest(certificate_of("anna", "studio", Role::user));
  PullRequest wait;  // The stand-in never answers one that waits.
  wait.wait_ms = 1;
  expect_error(anna.ask(wait), Errc::timeout);
  EXPECT_TRUE(anna.ask(ShowRequest{{JobId{1, 2}}})) << "the window is free";
}

class ShortWaitTest : public BusySessionTest {
 protected:
  ShortWaitTest() { limits.max_wait_ms = 100; }
};

TEST_F(ShortWaitTest, AFollowersWaitIsCutToTheLimit) {
  auto anna = guest(certificate_of("anna", "studio", Role::user));
  PullRequest wait;
  wait.wait_ms = 101;
  expect_error(anna.ask(wait), Errc::timeout);
  EXPECT_EQ(seen.with([](Seen& s) { return s.pulls.at(0).wait_ms; }), 100);
}

class SmallNodeTest : public SessionTest {
 protected:
  SmallNodeTest() { max_sessions = 2; }
};

TEST_F(SmallNodeTest, BeyondItsSessionsClientsAreRefusedUntilOneLeaves) {
  const auto files = certificate_of("anna", "studio", Role::user);
  std::optional<Guest> first = guest(files);
  const auto second = guest(files);
  auto third = client_as(files);
  const auto refused = third->take_seat(address());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_GT(refused.error().retry_after_ms, 0);
  first.reset();
  EXPECT_TRUE(platform::eventually(
      [&] { return static_cast<bool>(third->take_seat(address())); }));
}

}  // namespace
}  // namespace troupe::cluster
