#include "apps/chat_answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr JobId kAsked{1, 2};
constexpr char kResult[] =
    R"({"text":"Hi.","finish_reason":"stop","seed":5,)"
    R"("usage":{"prompt_tokens":9,"completion_tokens":3},)"
    R"("timing":{"first_token_ms":120,"tokens_per_s":31.4}})";

JobView ended(JobState state) {
  JobView job;
  job.spec.id = kAsked;
  job.state = state;
  return job;
}

ChatAnswer failed(Failure failure) {
  auto job = ended(JobState::failed);
  job.failure = std::move(failure);
  return answer_of(job, "", "shown");
}

TEST(ChatAnswerTest, AnAnswerIsTheResultOfItsJob) {
  const auto answer = answer_of(ended(JobState::succeeded), kResult, "Hi");
  EXPECT_EQ(answer.text, "Hi.");
  EXPECT_FALSE(answer.cut);
  EXPECT_EQ(answer.code, ExitCode::ok);
  EXPECT_EQ(dump_json(answer_json(answer)),
            R"({"job":")" + to_string(kAsked) +
                R"(","text":"Hi.","finish_reason":"stop",)"
                R"("usage":{"prompt_tokens":9,"completion_tokens":3},)"
                R"("timing":{"first_token_ms":120,"tokens_per_s":31.4}})");
}

TEST(ChatAnswerTest, OfACutAnswerThereIsWhatWasShown) {
  const auto answer = answer_of(ended(JobState::cancelled), "", "shown");
  EXPECT_TRUE(answer.cut);
  EXPECT_EQ(dump_json(answer_json(answer)),
            R"({"job":")" + to_string(kAsked) +
                R"(","text":"shown","finish_reason":"cancelled"})");
}

TEST(ChatAnswerTest, AFailureIsAnErrorWithTheCodeOfItsReason) {
  const auto answer =
      failed({FailureClass::invalid, "too_large", "2 answers of ...", {}});
  ASSERT_TRUE(answer.error);
  EXPECT_EQ(answer.error->code, Errc::too_large);
  EXPECT_EQ(answer.code, ExitCode::job_failed);
  EXPECT_EQ(dump_json(answer_json(answer)),
            R"({"job":")" + to_string(kAsked) +
                R"(","error":{"code":"too_large",)"
                R"("message":"2 answers of ..."}})");
}

TEST(ChatAnswerTest, AReasonThatIsNoCodeIsToldByItsClass) {
  EXPECT_EQ(
      failed({FailureClass::transient, "node_crashed", "", {}}).error->code,
      Errc::device_lost);
  EXPECT_EQ(failed({FailureClass::timeout, "deadline", "", {}}).error->code,
            Errc::timeout);
  EXPECT_THAT(answer_of(ended(JobState::expired), "", "").error->message,
              HasSubstr("expired"));
}

TEST(ChatAnswerTest, AQuestionThatWasNotAcceptedHasNoJob) {
  const auto json = answer_json(
      no_answer({}, {Errc::unavailable, "full"}, ExitCode::try_again));
  EXPECT_EQ(dump_json(json),
            R"({"error":{"code":"unavailable","message":"full"}})");
}

TEST(ChatAnswerTest, SaysHowMuchAndHowFast) {
  auto result = *parse_json(kResult);
  EXPECT_EQ(amounts_text(result), "3 tokens, 31/s, the first after 120 ms");
  result["usage"]["completion_tokens"] = 1;
  result["timing"]["tokens_per_s"] = 0;
  result["finish_reason"] = "length";
  EXPECT_EQ(amounts_text(result),
            "1 token, the first after 120 ms; ended by its limit of tokens");
  EXPECT_EQ(amounts_text(Json{}), "");
  EXPECT_EQ(amounts_text(*parse_json(R"({"usage":1})")), "");
}

TEST(ChatAnswerTest, WhatNoLongerFitsIsToldWithWhatToDo) {
  const Error room{Errc::invalid_argument,
                   "params.max_tokens is 500 after a prompt of 60 tokens; this "
                   "model has room for 512 together: allowed are 1 to 452"};
  EXPECT_THAT(advised(room).message,
              HasSubstr("question and answer are too long together"));
  EXPECT_THAT(advised(room).message, HasSubstr("allowed are 1 to 452"));
  EXPECT_THAT(advised(room).message,
              HasSubstr("fewer tokens with --max-tokens"));
  const Error prompt{Errc::invalid_argument,
                     "params.messages has 600 tokens, before an answer of 1; "
                     "this model has room for 512 together: allowed is a "
                     "prompt of 1 to 511"};
  EXPECT_THAT(advised(prompt).message,
              HasSubstr("the question is too long by itself"));
  EXPECT_THAT(advised(prompt).message, HasSubstr("shorten it"));
  EXPECT_THAT(advised(prompt).message, Not(HasSubstr("--max-tokens")))
      << "no answer is short enough";
  const Error bytes{Errc::invalid_argument,
                    "params are 17000 bytes; at most 16384 are allowed",
                    {{"params", "are 17000 bytes; at most 16384 are allowed"}}};
  EXPECT_TRUE(is_too_long(bytes));
  EXPECT_TRUE(is_too_long({Errc::too_large, "pages"}));
  const Error other{
      Errc::invalid_argument, "params.top_p is 7", {{"params.top_p", "is 7"}}};
  EXPECT_EQ(advised(other).message, "params.top_p is 7");
}

}  // namespace
}  // namespace troupe
