// The forms that scripts rely on.
#include "apps/render/json.hpp"

#include <gtest/gtest.h>

namespace troupe::render {
namespace {

JobView film() {
  JobView view;
  view.spec.id = *parse_job_id("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  view.spec.kind = "process.run";
  view.spec.params = R"({"argv":["true"]})";
  view.spec.submitted_ms = 1'000;
  view.state = JobState::succeeded;
  view.attempt = 2;
  view.seq = 5;
  view.result = R"({"exit_code":0})";
  view.artifacts = {{"film.mp4", std::string(64, 'a'), 17, "video/mp4"}};
  view.device = "cpu";
  view.started_ms = 2'000;
  view.ended_ms = 3'500;
  return view;
}

TEST(JobJsonTest, HasTheFieldsThatScriptsReadFirst) {
  std::string names;
  const auto json = job(film());
  for (const auto& [name, value] : json.items()) names += name + " ";
  EXPECT_TRUE(names.starts_with(
      "id kind state phase attempt progress progress_detail failure result "
      "artifacts submitted_ms submitted started_ms started ended_ms ended "))
      << names;
}

TEST(JobJsonTest, ShowsAJobThatSucceeded) {
  const auto json = job(film());
  EXPECT_EQ(json["id"], "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  EXPECT_EQ(json["state"], "succeeded");
  EXPECT_EQ(json["phase"], "none");
  EXPECT_EQ(json["attempt"], 2);
  EXPECT_EQ(json["progress"], 100.0);
  EXPECT_TRUE(json["failure"].is_null());
  EXPECT_EQ(json["result"]["exit_code"], 0);
  EXPECT_EQ(dump_json(json["artifacts"]),
            R"([{"name":"film.mp4","sha256":")" + std::string(64, 'a') +
                R"(","bytes":17,"media_type":"video/mp4"}])");
  EXPECT_EQ(json["ended_ms"], 3'500);
  EXPECT_EQ(json["ended"], "1970-01-01T00:00:03.500Z");
  EXPECT_EQ(json["params"]["argv"][0], "true");
}

TEST(JobJsonTest, AFailureHasClassReasonAndMessage) {
  auto view = film();
  view.state = JobState::failed;
  view.failure = Failure{
      FailureClass::command, "exit_status", "it exited with 3", {"boom"}};
  EXPECT_EQ(dump_json(job(view)["failure"]),
            R"({"class":"command","reason":"exit_status","message":"it exited )"
            R"(with 3","last_lines":["boom"]})");
}

TEST(JobJsonTest, ProgressIsAPercentageOrNull) {
  auto view = film();
  view.state = JobState::running;
  EXPECT_TRUE(job(view)["progress"].is_null());
  view.progress = Progress{};
  EXPECT_TRUE(job(view)["progress"].is_null());
  view.progress->percent = 12.5;
  view.progress->done = 5;
  EXPECT_EQ(job(view)["progress"], 12.5);
  EXPECT_EQ(job(view)["progress_detail"]["done"], 5);
}

TEST(JobJsonTest, AnUnknownPercentageIsNoNumber) {
  auto view = film();
  view.progress = Progress{};
  EXPECT_FALSE(job(view)["progress_detail"].contains("percent"));
  LiveEvent live;
  live.progress = Progress{};
  EXPECT_FALSE(event(live)["progress"].contains("percent"));
  live.progress->percent = 0;
  EXPECT_EQ(event(live)["progress"]["percent"], 0);
}

TEST(EventJsonTest, ARetryWithoutPauseHasNoTime) {
  LogEntry entry{7, 1, {}};
  entry.change.type = ChangeType::requeued;
  entry.change.requeue = Requeued{};
  EXPECT_TRUE(event(entry)["not_before_ms"].is_null());
}

TEST(JobJsonTest, ABindingNamesItsJobAndField) {
  auto view = film();
  view.spec.bindings = {{"/stdin", view.spec.id, "/text"}};
  EXPECT_EQ(dump_json(job(view)["bindings"]),
            R"([{"path":"/stdin","job":"01ARZ3NDEKTSV4RRFFQ69G5FAV",)"
            R"("pointer":"/text"}])");
}

TEST(JobJsonTest, WhatIsNotKnownIsNull) {
  const auto json = job(JobView{});
  for (const char* name : {"failure", "result", "submitted_ms", "started_ms",
                           "ended", "device", "deadline_ms", "model"})
    EXPECT_TRUE(json[name].is_null()) << name;
}

TEST(SubmittedJsonTest, IsIdAndState) {
  SubmitAnswer answer;
  answer.id = film().spec.id;
  EXPECT_EQ(dump_json(submitted(answer)),
            R"({"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","state":"queued"})");
  answer.existed = true;
  EXPECT_EQ(submitted(answer)["existed"], true);
}

TEST(SubmittedJsonTest, IsIdAndErrorWhenRefused) {
  SubmitAnswer answer;
  answer.id = film().spec.id;
  answer.error = Error{Errc::unavailable, "the queue is full", {}, 1'000};
  EXPECT_EQ(dump_json(submitted(answer)["error"]),
            R"({"code":"unavailable","message":"the queue is full",)"
            R"("retry_after_ms":1000})");
  EXPECT_FALSE(submitted(answer).contains("state"));
}

TEST(EventJsonTest, ADurableEventHasSeqTimeAndType) {
  LogEntry entry{7, 1, {}};
  entry.change.type = ChangeType::started;
  entry.change.job = film().spec.id;
  entry.change.seq = 2;
  entry.change.attempt = 1;
  entry.change.time_ms = 1'500;
  entry.change.start = Started{"cpu", 0, R"({"why":"free"})"};
  EXPECT_EQ(dump_json(event(entry)),
            R"({"seq":2,"time":"1970-01-01T00:00:01.500Z","time_ms":1500,)"
            R"("type":"started","job":"01ARZ3NDEKTSV4RRFFQ69G5FAV",)"
            R"("attempt":1,"index":7,"epoch":1,"state":"running",)"
            R"("device":"cpu","memory_bytes":0,"decision":{"why":"free"}})");
}

TEST(EventJsonTest, ALiveEventHasAPlaceButNoSeq) {
  LiveEvent live;
  live.job = film().spec.id;
  live.attempt = 1;
  live.after_seq = 2;
  live.n = 9;
  live.type = LiveType::log;
  live.log = LogLine{"stdout", "hello"};
  const auto json = event(live);
  EXPECT_FALSE(json.contains("seq"));
  EXPECT_EQ(json["after_seq"], 2);
  EXPECT_EQ(json["n"], 9);
  EXPECT_EQ(json["log"]["text"], "hello");
}

}  // namespace
}  // namespace troupe::render
