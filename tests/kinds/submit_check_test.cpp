#include "kinds/submit_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "kinds/kinds.hpp"

namespace troupe {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const std::string kHash(64, 'a');

JobSpec echo() {
  JobSpec spec;
  spec.id = {1, 1};
  spec.kind = "echo";
  spec.params = R"({"text":"hello"})";
  return spec;
}

class SubmitCheckTest : public testing::Test {
 protected:
  std::vector<std::string> paths(JobSpec spec) {
    std::vector<std::string> found;
    for (auto& fault : check_submit(spec, kinds_, limits_))
      found.push_back(std::move(fault.path));
    return found;
  }
  std::string first_message(JobSpec spec) {
    auto faults = check_submit(spec, kinds_, limits_);
    return faults.empty() ? "" : faults.front().message;
  }

  const Kinds kinds_ = all_kinds();
  JobConfig limits_;
};

TEST_F(SubmitCheckTest, AGoodJobGetsItsDefaults) {
  auto spec = echo();
  EXPECT_THAT(check_submit(spec, kinds_, limits_), IsEmpty());
  EXPECT_EQ(spec.params, R"({"text":"hello","steps":1,"step_ms":0})");
}

TEST_F(SubmitCheckTest, NormalisingTwiceChangesNothing) {
  auto once = echo();
  ASSERT_THAT(check_submit(once, kinds_, limits_), IsEmpty());
  auto twice = once;
  ASSERT_THAT(check_submit(twice, kinds_, limits_), IsEmpty());
  EXPECT_TRUE(same_request(once, twice));
}

TEST_F(SubmitCheckTest, AnotherVersionOfTheRecordIsRefused) {
  auto spec = echo();
  for (const std::uint32_t version : {0u, 2u, 99u}) {
    spec.version = version;
    EXPECT_THAT(paths(spec), ElementsAre("version"));
  }
}

TEST_F(SubmitCheckTest, AParameterMayNotContradictTheJobsOwnField) {
  auto spec = echo();
  spec.kind = "process.run";
  spec.params = R"({"argv":["a"],"memory_bytes":5,"on_lost":"retry"})";
  EXPECT_THAT(paths(spec), IsEmpty());
  spec.memory_bytes = 5;
  EXPECT_THAT(paths(spec), IsEmpty());
  spec.memory_bytes = 6;
  spec.on_lost = OnLost::fail;
  EXPECT_THAT(paths(spec),
              ElementsAre("params.memory_bytes", "params.on_lost"));
}

TEST_F(SubmitCheckTest, NamesAllFaultsInOneAnswer) {
  auto spec = echo();
  spec.id = {};
  spec.params = R"({"text":5,"stpes":2})";
  spec.tags = {"", "a", "a"};
  spec.timeout_ms = 0;
  spec.retry.max_attempts = 0;
  spec.not_before_ms = 10;
  spec.deadline_ms = 10;
  EXPECT_THAT(paths(spec),
              UnorderedElementsAre("id", "tags[0]", "tags[2]", "timeout_ms",
                                   "retry.max_attempts", "deadline_ms",
                                   "params.text", "params.stpes"));
}

TEST_F(SubmitCheckTest, AnUnknownKindIsAnsweredWithTheNearest) {
  auto spec = echo();
  spec.kind = "process.rnu";
  EXPECT_EQ(first_message(spec),
            "'process.rnu' is unknown; did you mean 'process.run'? known "
            "are process.run, text.generate, text.enhance, echo, noop");
}

TEST_F(SubmitCheckTest, AnUnknownParameterIsAnsweredWithTheNearest) {
  auto spec = echo();
  spec.params = R"({"text":"a","step":2})";
  EXPECT_EQ(first_message(spec),
            "is unknown; did you mean 'steps' or 'step_ms'? known are text, "
            "steps, step_ms");
}

TEST_F(SubmitCheckTest, ParametersThatAreNoObjectAreRefused) {
  auto spec = echo();
  spec.params = "[1]";
  EXPECT_THAT(paths(spec), Contains("params"));
  spec.params = "{";
  EXPECT_THAT(paths(spec), Contains("params"));
}

TEST_F(SubmitCheckTest, ParametersAtTheLimitPassAndOneByteMoreDoesNot) {
  auto spec = echo();
  const std::string empty = R"({"text":""})";
  auto room = static_cast<std::size_t>(limits_.max_params_bytes) - empty.size();
  spec.params = R"({"text":")" + std::string(room, 'x') + R"("})";
  EXPECT_THAT(paths(spec), IsEmpty());
  spec.params = R"({"text":")" + std::string(room + 1, 'x') + R"("})";
  EXPECT_THAT(paths(spec), ElementsAre("params"));
}

TEST_F(SubmitCheckTest, CountsAtTheLimitPassAndOneMoreDoesNot) {
  limits_.max_tags = 2;
  limits_.max_inputs = 1;
  limits_.max_depends_on = 2;
  auto spec = echo();
  spec.tags = {"a", "b"};
  spec.inputs = {{"a", kHash, {}, ""}};
  spec.depends_on = {{2, 2}, {3, 3}};
  EXPECT_THAT(paths(spec), IsEmpty());
  spec.tags.push_back("c");
  spec.inputs.push_back({"b", kHash, {}, ""});
  spec.depends_on.push_back({4, 4});
  EXPECT_THAT(paths(spec), ElementsAre("tags", "inputs", "depends_on"));
}

TEST_F(SubmitCheckTest, BindingsAtTheLimitPassAndOneMoreDoesNot) {
  limits_.max_bindings = 1;
  auto spec = echo();
  spec.bindings = {{"/text", {2, 2}, "/text"}};
  EXPECT_THAT(paths(spec), IsEmpty());
  spec.bindings.push_back({"/steps", {2, 2}, "/steps"});
  EXPECT_THAT(paths(spec), ElementsAre("bindings"));
}

TEST_F(SubmitCheckTest, ATagAtTheLimitPassesAndALongerOneDoesNot) {
  limits_.max_tag_bytes = 4;
  auto spec = echo();
  spec.tags = {"four"};
  EXPECT_THAT(paths(spec), IsEmpty());
  spec.tags = {"fives"};
  EXPECT_THAT(paths(spec), ElementsAre("tags[0]"));
}

TEST_F(SubmitCheckTest, TimesAtTheLimitPassAndAMillisecondMoreDoesNot) {
  auto spec = echo();
  spec.timeout_ms = limits_.max_timeout_ms;
  spec.retry.max_attempts = static_cast<std::uint32_t>(limits_.max_attempts);
  spec.retry.max_backoff_ms = limits_.max_backoff_ms;
  EXPECT_THAT(paths(spec), IsEmpty());
  *spec.timeout_ms += 1;
  spec.retry.max_attempts += 1;
  spec.retry.max_backoff_ms += 1;
  EXPECT_THAT(paths(spec), ElementsAre("timeout_ms", "retry.max_attempts",
                                       "retry.max_backoff_ms"));
}

TEST_F(SubmitCheckTest, JobsOfInputsAndBindingsBecomeDependenciesOnce) {
  auto spec = echo();
  spec.depends_on = {{2, 2}};
  spec.inputs = {{"a", "", JobId{3, 3}, "film.mp4"},
                 {"b", "", JobId{2, 2}, "film.mp4"}};
  spec.bindings = {{"/text", {4, 4}, "/text"}};
  ASSERT_THAT(check_submit(spec, kinds_, limits_), IsEmpty());
  EXPECT_THAT(spec.depends_on,
              ElementsAre(JobId{2, 2}, JobId{3, 3}, JobId{4, 4}));
}

TEST_F(SubmitCheckTest, DependenciesBeyondTheLimitAreRefusedHoweverNamed) {
  limits_.max_depends_on = 1;
  auto spec = echo();
  spec.depends_on = {{2, 2}};
  spec.inputs = {{"a", "", JobId{3, 3}, "film.mp4"}};
  EXPECT_THAT(paths(spec), ElementsAre("depends_on"));
}

TEST_F(SubmitCheckTest, AJobCannotWaitForItself) {
  auto spec = echo();
  spec.depends_on = {spec.id};
  spec.parent = spec.id;
  spec.inputs = {{"a", "", spec.id, "film.mp4"}};
  spec.bindings = {{"/text", spec.id, ""}};
  EXPECT_THAT(paths(spec),
              UnorderedElementsAre("depends_on[0]", "parent", "inputs[0].job",
                                   "bindings[0].job"));
}

TEST_F(SubmitCheckTest, AnInputIsOneFileUnderAPlainName) {
  auto spec = echo();
  spec.inputs = {{"a/b", kHash, {}, ""},
                 {"..", kHash, {}, ""},
                 {"c", "ABC", {}, ""},
                 {"c", kHash, JobId{2, 2}, ""}};
  EXPECT_THAT(paths(spec), ElementsAre("inputs[0].name", "inputs[1].name",
                                       "inputs[2].sha256", "inputs[3].name",
                                       "inputs[3].output", "inputs[3].sha256"));
}

TEST_F(SubmitCheckTest, AnInputMayBeAnOutputInAFolderButNotOutsideOfIt) {
  auto spec = echo();
  const auto from = [](const std::string& name, const std::string& output) {
    return InputRef{name, "", JobId{2, 2}, output};
  };
  spec.inputs = {from("a", "o/a.txt"), from("b", "a.txt"), from("c", "/a.txt"),
                 from("d", "o/../a"),  from("e", "o//a"),  from("f", "o/")};
  EXPECT_THAT(paths(spec), ElementsAre("inputs[2].output", "inputs[3].output",
                                       "inputs[4].output", "inputs[5].output"));
}

TEST_F(SubmitCheckTest, BindingsAreJsonPointersAndEachPathIsFilledOnce) {
  auto spec = echo();
  spec.bindings = {{"text", {2, 2}, "x"},
                   {"/a~2", {2, 2}, ""},
                   {"/text", {}, ""},
                   {"/text", {2, 2}, "/a~0/b~1"}};
  EXPECT_THAT(
      paths(spec),
      ElementsAre("bindings[0].path", "bindings[0].pointer", "bindings[1].path",
                  "bindings[2].job", "bindings[3].path"));
}

TEST_F(SubmitCheckTest, ABindingOfNoParameterIsAnsweredWithTheNearest) {
  auto spec = echo();
  spec.bindings = {{"/txet", JobId{1, 2}, "/text"}};
  EXPECT_THAT(paths(spec), ElementsAre("bindings[0].path"));
  EXPECT_THAT(first_message(spec),
              HasSubstr("no parameter of echo; did you mean 'text'?"));
}

TEST_F(SubmitCheckTest, AParameterThatABindingFillsNeedsNoValue) {
  auto spec = echo();
  spec.params = "{}";
  EXPECT_THAT(paths(spec), ElementsAre("params.text"));
  spec.bindings = {{"/text", {2, 2}, "/text"}};
  EXPECT_THAT(paths(spec), IsEmpty());
}

TEST_F(SubmitCheckTest, RetriesStayWithinTheirLimits) {
  auto spec = echo();
  spec.retry = {101, -1, 0, false};
  EXPECT_THAT(paths(spec),
              ElementsAre("retry.max_attempts", "retry.backoff_ms"));
  spec.retry = {1, 500, 400, false};
  EXPECT_THAT(paths(spec), ElementsAre("retry.max_backoff_ms"));
}

TEST_F(SubmitCheckTest, AKindWithoutModelRefusesOne) {
  auto spec = echo();
  spec.model = "flux";
  EXPECT_THAT(paths(spec), ElementsAre("model"));
}

TEST_F(SubmitCheckTest, AJobOverTheSizeOfARecordIsRefused) {
  limits_.max_spec_bytes = 16 * 1'024;
  auto spec = echo();
  spec.params = R"({"text":")" + std::string(16'000, 'x') + R"("})";
  EXPECT_THAT(paths(spec), ElementsAre(""));
}

TEST(SubmitErrorTest, SaysTheFirstFaultAndHowManyMore) {
  auto error = submit_error({{"kind", "is bad"}, {"id", "is missing"}});
  EXPECT_EQ(error.code, Errc::invalid_argument);
  EXPECT_EQ(error.message, "kind is bad (and 1 more)");
  EXPECT_EQ(error.faults.size(), 2u);
}

TEST(KindsTest, EveryKindHasANameOfItsOwnAndACheck) {
  std::set<std::string_view> names;
  for (const auto* kind : all_kinds()) {
    EXPECT_TRUE(names.insert(kind->name).second) << kind->name;
    EXPECT_NE(kind->normalise, nullptr);
    EXPECT_FALSE(kind->summary.empty());
  }
}

TEST(EchoKindTest, StepsAndTheirTimeHaveLimits) {
  auto faults_of = [](const char* params) {
    JobSpec spec = echo();
    spec.params = params;
    return check_submit(spec, all_kinds(), {}).size();
  };
  EXPECT_EQ(faults_of(R"({"text":"a","steps":1000000,"step_ms":200})"), 0u);
  EXPECT_EQ(faults_of(R"({"text":"a","steps":1000001,"step_ms":201})"), 2u);
  EXPECT_EQ(faults_of(R"({"text":"a","steps":0,"step_ms":-1})"), 2u);
  EXPECT_EQ(faults_of(R"({"text":"a","steps":1.5})"), 1u);
  EXPECT_EQ(faults_of(R"({"text":"a","steps":18446744073709551615})"), 1u);
}

TEST(FaultsOfAModel, AreThoseOfTheParametersOrThatItCannotBeUsed) {
  JobSpec spec;
  spec.model = "demo";
  const std::vector<Fault> of_params{{"params.n", "is 9"}};
  EXPECT_EQ(faults_of_model(spec, {Errc::invalid_argument, "x", of_params}),
            of_params);
  EXPECT_EQ(faults_of_model(spec, {Errc::not_found, "there is none"}),
            (std::vector<Fault>{{"model", "cannot be used: there is none"}}));
  const auto broken = faults_of_model(
      spec,
      {Errc::corrupt, "a is missing (and 1 more)", {{"a", ""}, {"b", ""}}});
  ASSERT_EQ(broken.size(), 1u);
  EXPECT_EQ(broken[0].message,
            "cannot be used: a is missing (and 1 more); to see all of it: "
            "troupe models check demo");
  const auto cut = faults_of_model(spec, {Errc::corrupt, "x is cut off"});
  EXPECT_EQ(cut.at(0).message,
            "cannot be used: x is cut off; mend the folder, then see that it "
            "is whole: troupe models check demo");
  const auto told = faults_of_model(
      spec, {Errc::corrupt, "x: fetch it, then: troupe models check /x"});
  EXPECT_EQ(told.at(0).message,
            "cannot be used: x: fetch it, then: troupe models check /x");
}

TEST(FaultsOfAModel, StandBesideTheOthersAndTheNarrowerOneIsTold) {
  std::vector<Fault> faults{{"params.top_p", "is 7"},
                            {"params.max_tokens", "1 to 1048576"}};
  add_narrower(faults, {{"params.max_tokens", "1 to 2047"}, {"params.n", "2"}});
  EXPECT_EQ(faults, (std::vector<Fault>{{"params.top_p", "is 7"},
                                        {"params.max_tokens", "1 to 2047"},
                                        {"params.n", "2"}}));
}

TEST(SubmitError, OfVeryManyFaultsSaysHowManyMoreThereAre) {
  std::vector<Fault> faults(1'000, Fault{"params.x", "is wrong"});
  const auto error = submit_error(faults);
  ASSERT_EQ(error.faults.size(), kMaxToldFaults + 1);
  EXPECT_EQ(error.faults.back().message, "and 900 faults more");
  EXPECT_EQ(error.message, "params.x is wrong (and 999 more)");
  faults.resize(kMaxToldFaults);
  EXPECT_EQ(submit_error(faults).faults, faults);
}

}  // namespace
}  // namespace troupe
