#include "actors/resolve.hpp"

#include <gtest/gtest.h>

#include "kinds/echo.hpp"
#include "kinds/process_run.hpp"

namespace troupe {
namespace {

constexpr JobId kEarlier{1, 1};

Result<JobEnd> end_of(JobId job) {
  if (job != kEarlier) return Error{Errc::forgotten, "gone"};
  JobEnd end;
  end.result = R"({"text":"a red circle","n":[1,2]})";
  end.artifacts = {{.name = "film.mp4", .sha256 = "ab"}};
  return end;
}

Assignment job(std::string params) {
  Assignment a;
  a.spec.params = std::move(params);
  return a;
}

TEST(Resolve, FillsParametersFromAnEarlierResult) {
  auto a = job(R"({"prompt":"","k":{"n":0}})");
  a.spec.bindings = {{"/prompt", kEarlier, "/text"},
                     {"/k/n", kEarlier, "/n/1"}};
  ASSERT_TRUE(resolve(a, end_of));
  EXPECT_EQ(a.spec.params, R"({"prompt":"a red circle","k":{"n":2}})");
}

TEST(Resolve, FindsInputFilesByHashOrByEarlierOutput) {
  auto a = job("{}");
  a.spec.inputs = {{.name = "in.png", .sha256 = "cd"},
                   {.name = "film", .job = kEarlier, .output = "film.mp4"}};
  ASSERT_TRUE(resolve(a, end_of));
  ASSERT_EQ(a.inputs.size(), 2u);
  EXPECT_EQ(a.inputs[0].sha256, "cd");
  EXPECT_EQ(a.inputs[1].name, "film");
  EXPECT_EQ(a.inputs[1].sha256, "ab");
}

TEST(Resolve, SaysWhatTheEarlierJobLacksAndWhatItHas) {
  auto a = job("{}");
  a.spec.inputs = {{.name = "x", .job = kEarlier, .output = "film.mkv"}};
  auto done = resolve(a, end_of);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::invalid_argument);
  EXPECT_NE(done.error().message.find("film.mp4"), std::string::npos);

  auto b = job("{}");
  b.spec.bindings = {{"/p", kEarlier, "/nothing"}};
  done = resolve(b, end_of);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("/nothing"), std::string::npos);
}

TEST(Resolve, AValueOfTheWrongSortIsNamedWithWhatWasWanted) {
  auto a = job(R"({"text":"","steps":1})");
  a.spec.kind = "echo";
  a.spec.bindings = {{"/text", kEarlier, "/n"}};
  auto done = resolve(a, end_of, &echo_kind());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::invalid_argument);
  EXPECT_EQ(done.error().message,
            "params.text must be a string, but /n in the result of job " +
                to_string(kEarlier) + " is an array");

  a = job(R"({"text":"a","steps":1})");
  a.spec.kind = "echo";
  a.spec.bindings = {{"/steps", kEarlier, "/text"}};
  done = resolve(a, end_of, &echo_kind());
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find(
                "params.steps must be an integer from 1 to 1000000, but /text"),
            std::string::npos);
  EXPECT_NE(done.error().message.find(R"(is a string ("a red circle"))"),
            std::string::npos);
}

TEST(Resolve, AnElementOfAListIsNamedByItsPlace) {
  auto a = job(R"({"argv":["echo",""]})");
  a.spec.kind = "process.run";
  a.spec.bindings = {{"/argv/1", kEarlier, "/n/0"}};
  const auto done = resolve(a, end_of, &process_run_kind());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message,
            "params.argv[1] must be a string, but /n/0 in the result of job " +
                to_string(kEarlier) + " is an integer (1)");
}

TEST(Resolve, AForgottenJobIsSaidSo) {
  auto a = job("{}");
  a.spec.bindings = {{"/p", JobId{9, 9}, "/text"}};
  EXPECT_EQ(resolve(a, end_of).error().code, Errc::forgotten);
}

}  // namespace
}  // namespace troupe
