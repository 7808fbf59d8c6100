#include "codec/json.hpp"

#include <gtest/gtest.h>

#include "core/api.hpp"

namespace troupe {
namespace {

TEST(Json, ShowsNamesInTheOrderOfTheType) {
  const SubmitAnswer answer{
      *parse_job_id("01ARZ3NDEKTSV4RRFFQ69G5FAV"), JobState::queued, false, {}};
  EXPECT_EQ(dump_json(to_json(answer)),
            R"({"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","state":"queued",)"
            R"("existed":false})");
}

TEST(Json, BringsBackASpecification) {
  JobSpec spec;
  spec.id = {1, 2};
  spec.kind = "process.run";
  spec.params = "{}";
  spec.tags = {"x"};
  spec.timeout_ms = 5;
  spec.memory_bytes = std::numeric_limits<std::uint64_t>::max();
  const auto back = from_json<JobSpec>(to_json(spec));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(same_request(*back, spec));
}

TEST(Json, NamesTheMemberThatIsWrong) {
  const auto json = parse_json(R"({"retry":{"max_attempts":-1}})");
  ASSERT_TRUE(json);
  const auto x = from_json<JobSpec>(*json);
  ASSERT_FALSE(x);
  EXPECT_EQ(x.error().code, Errc::invalid_argument);
  EXPECT_EQ(x.error().message, "retry.max_attempts must not be negative");
  ASSERT_EQ(x.error().faults.size(), 1u);
  EXPECT_EQ(x.error().faults[0].path, "retry.max_attempts");
}

TEST(Json, NamesEverythingThatIsWrongInOneAnswer) {
  const auto x = from_json<JobSpec>(
      *parse_json(R"({"priority":"hihg","timeout_ms":"x","tags":[1,"a",2],)"
                  R"("retry":{"backoff_ms":1.5},"tag":["x"]})"),
      UnknownFields::refuse);
  ASSERT_FALSE(x);
  std::vector<std::string> paths;
  for (const auto& fault : x.error().faults) paths.push_back(fault.path);
  EXPECT_EQ(paths,
            (std::vector<std::string>{"tag", "priority", "tags[0]", "tags[2]",
                                      "timeout_ms", "retry.backoff_ms"}));
  EXPECT_EQ(x.error().faults[1].message,
            "'hihg' is unknown; did you mean 'high'? known are low, normal, "
            "high");
  EXPECT_TRUE(x.error().message.ends_with(" (and 5 more)"))
      << x.error().message;
}

TEST(Json, GivesWhatCouldBeReadBesideTheFaults) {
  JobSpec partly;
  EXPECT_FALSE(from_json<JobSpec>(
      *parse_json(R"({"kind":"echo","priority":5,"model":"m"})"),
      UnknownFields::skip, &partly));
  EXPECT_EQ(partly.kind, "echo");
  EXPECT_EQ(partly.model, "m");
}

TEST(Json, NamesTheItemThatIsWrong) {
  const auto x = from_json<JobSpec>(*parse_json(R"({"tags":["a",1]})"));
  ASSERT_FALSE(x);
  EXPECT_EQ(x.error().message, "tags[1] must be a string");
}

TEST(Json, SkipsOrRefusesUnknownMembersAsAsked) {
  const auto json = *parse_json(R"({"max_attemps":1})");
  EXPECT_TRUE(from_json<RetryPolicy>(json));
  const auto x = from_json<RetryPolicy>(json, UnknownFields::refuse);
  ASSERT_FALSE(x);
  EXPECT_EQ(x.error().message,
            "max_attemps is not known here; did you mean 'max_attempts'? "
            "known are max_attempts, backoff_ms, max_backoff_ms, "
            "on_command_failure");
}

TEST(Json, RefusesNumbersOutOfRangeAndOfAnotherSort) {
  EXPECT_FALSE(from_json<std::uint8_t>(Json(256)));
  EXPECT_FALSE(from_json<std::int8_t>(Json(-129)));
  EXPECT_FALSE(from_json<std::uint32_t>(Json(1.5)));
  EXPECT_FALSE(from_json<std::uint32_t>(Json(true)));
  EXPECT_FALSE(from_json<JobState>(Json("walking")));
  EXPECT_FALSE(from_json<JobId>(Json("no id")));
  EXPECT_TRUE(from_json<std::uint8_t>(Json(255)));
}

TEST(Json, TakesNullForAMissingMember) {
  const auto x = from_json<JobSpec>(*parse_json(R"({"parent":null})"));
  ASSERT_TRUE(x) << x.error().message;
  EXPECT_FALSE(x->parent);
}

TEST(Json, RefusesTextThatIsNoJsonOrNestedTooDeep) {
  EXPECT_FALSE(parse_json(""));
  EXPECT_FALSE(parse_json("{\"a\":"));
  EXPECT_FALSE(parse_json("{} x"));
  const auto nested = [](int depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)));
  EXPECT_FALSE(parse_json(nested(kMaxJsonDepth + 2)));
}

TEST(Json, WritesBytesThatAreNoTextAsReplacementCharacters) {
  EXPECT_EQ(dump_json(Json("\xff")), "\"\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace troupe
