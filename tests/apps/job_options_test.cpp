#include "apps/job_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text_params.hpp"
#include "kinds/kinds.hpp"

namespace troupe {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kId = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

Result<DraftJob> draft(JobOptions options) {
  if (options.kind.empty()) options.kind = "process.run";
  return draft_job(options, all_kinds(), 1'000'000);
}

std::string error_of(JobOptions options) {
  auto result = draft(std::move(options));
  return result ? "" : result.error().message;
}

TEST(JobOptionsTest, TheCommandAfterTheMarkIsTheArgv) {
  JobOptions options;
  options.argv = {"ffmpeg", "-i", "a b.mp4"};
  options.outputs = {"out.webm", "*.png"};
  options.progress = {"ffmpeg"};
  options.env = {"A=b=c"};
  EXPECT_EQ(draft(options)->spec.params,
            R"({"argv":["ffmpeg","-i","a b.mp4"],"outputs":["out.webm",)"
            R"("*.png"],"progress":["ffmpeg"],"env":{"A":"b=c"}})");
}

TEST(JobOptionsTest, AParameterIsReadAsItsKindWantsIt) {
  JobOptions options;
  options.kind = "echo";
  options.params = {"text=5", "steps=5"};
  EXPECT_EQ(draft(options)->spec.params, R"({"text":"5","steps":5})");
}

TEST(JobOptionsTest, ALonelyWordIsTheFirstOfAList) {
  JobOptions options;
  options.params = {"argv=sleep", "argv=1", R"(progress={"rule":"tqdm"})"};
  EXPECT_EQ(draft(options)->spec.params,
            R"({"argv":["sleep","1"],"progress":[{"rule":"tqdm"}]})");
}

TEST(JobOptionsTest, ParametersAddToTheWholeObject) {
  JobOptions options;
  options.kind = "echo";
  options.all_params = R"({"text":"a","steps":2})";
  options.params = {"steps=3"};
  EXPECT_EQ(draft(options)->spec.params, R"({"text":"a","steps":3})");
}

std::vector<Fault> faults_of(JobOptions options) {
  auto result = draft(std::move(options));
  return result ? std::vector<Fault>{} : result.error().faults;
}

TEST(JobOptionsTest, AParameterThatIsGivenTwiceIsRefused) {
  const std::string twice = " is given twice; keep one of them";
  JobOptions options;
  options.kind = "echo";
  options.params = {"text=1", "text=2"};
  EXPECT_THAT(faults_of(options), Contains(Fault{"--param", "'text'" + twice}));
  options.params = {};
  options.all_params = R"({"text":"a","text":"b"})";
  EXPECT_THAT(faults_of(options),
              Contains(Fault{"--params", "'text'" + twice}));
  options = {};
  options.argv = {"true"};
  options.params = {R"(env={"A":"1"})"};
  options.env = {"A=2"};
  EXPECT_THAT(faults_of(options), Contains(Fault{"--env", "'A'" + twice}));
  options.params = {};
  options.env = {"A=1", "B=1", "A=1"};
  EXPECT_THAT(faults_of(options), Contains(Fault{"--env", "'A'" + twice}));
  options.env = {};
  options.params = {R"(env={"A":"1","A":"2"})"};
  EXPECT_THAT(faults_of(options), Contains(Fault{"params.env", "'A'" + twice}));
  options = {};
  options.kind = "text.generate";
  options.params = {"prompt=x", R"(logit_bias={"5":1,"5":2})"};
  EXPECT_THAT(faults_of(options),
              Contains(Fault{"params.logit_bias", "'5'" + twice}));
}

TEST(JobOptionsTest, WhatIsWrongForTheModelIsToldBesideTheRest) {
  const ModelFaults of_model = [](const JobSpec& spec) {
    return std::vector<Fault>{{"params.n", spec.model + " does two at most"}};
  };
  JobOptions options;
  options.kind = "text.generate";
  options.model = "m";
  const auto paths = [&](std::vector<std::string> params) {
    options.params = std::move(params);
    const auto draft = draft_job(options, all_kinds(), 0, {}, of_model);
    std::vector<std::string> found;
    for (const auto& fault :
         draft ? draft_faults(draft->spec, all_kinds(), of_model)
               : draft.error().faults)
      found.push_back(fault.path);
    return found;
  };
  EXPECT_THAT(paths({"prompt=x", "top_p=7", "n=99"}),
              ElementsAre("params.top_p", "params.n"));
  EXPECT_THAT(paths({"prompt=x", "prompt=y"}),
              ElementsAre("--param", "params.n"));
  EXPECT_THAT(paths({"prompt=x"}), IsEmpty()) << "the node is asked anyway";
}

TEST(JobOptionsTest, ACommandIsGivenBehindTheMarkOrAsAParameterNotBoth) {
  for (const bool whole : {false, true}) {
    JobOptions options;
    options.argv = {"false"};
    if (whole)
      options.all_params = R"({"argv":["a"]})";
    else
      options.params = {R"(argv=["a"])"};
    EXPECT_THAT(error_of(options),
                HasSubstr("-- ARGV 'argv' is given twice: behind '--' and as a "
                          "parameter; keep one of them"));
  }
}

TEST(JobOptionsTest, ListsAddUpHoweverTheyAreWritten) {
  JobOptions options;
  options.argv = {"true"};
  options.all_params = R"({"outputs":["a"]})";
  options.params = {"outputs=b", R"(outputs=["c","d"])"};
  options.outputs = {"e"};
  const auto job = draft(options);
  ASSERT_TRUE(job);
  EXPECT_THAT(job->spec.params, HasSubstr(R"(["a","b","c","d","e"])"));
}

TEST(JobOptionsTest, WhatIsNoListOrObjectIsNotReplacedByOne) {
  JobOptions options;
  options.argv = {"true"};
  options.all_params = R"({"outputs":"a","env":"b"})";
  options.outputs = {"c"};
  options.env = {"A=1"};
  const auto job = draft(options);
  ASSERT_TRUE(job);
  EXPECT_THAT(job->spec.params, HasSubstr(R"("outputs":"a","env":"b")"));
  EXPECT_EQ(draft_faults(job->spec, all_kinds()).size(), 2u);
}

TEST(JobOptionsTest, AnInputIsAFileAnOutputOrAHash) {
  JobOptions options;
  options.inputs = {"in.mp4=/films/a=b.mp4", "/films/c.mp4",
                    "film=" + kId + ":film.mp4", "x=sha256:abc",
                    kId + ":frames/1.png"};
  auto job = draft(options);
  ASSERT_TRUE(job);
  ASSERT_EQ(job->spec.inputs.size(), 5u);
  EXPECT_EQ(job->spec.inputs[0].name, "in.mp4");
  EXPECT_EQ(job->spec.inputs[1].name, "c.mp4");
  EXPECT_EQ(job->spec.inputs[2].job, parse_job_id(kId));
  EXPECT_EQ(job->spec.inputs[2].output, "film.mp4");
  EXPECT_EQ(job->spec.inputs[3].sha256, "abc");
  EXPECT_EQ(job->spec.inputs[4].name, "1.png") << "inputs lie side by side";
  EXPECT_EQ(job->spec.inputs[4].output, "frames/1.png");
  ASSERT_EQ(job->files.size(), 2u);
  EXPECT_EQ(job->files[0].path, "/films/a=b.mp4");
  EXPECT_EQ(job->files[1].input, 1u);
}

TEST(JobOptionsTest, ABindingTakesAParameterFromAnEarlierResult) {
  JobOptions options;
  options.kind = "echo";
  options.bindings = {"text=" + kId + ":/text", "/a/b=" + kId + ":"};
  auto job = draft(options);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->spec.bindings[0].path, "/text");
  EXPECT_EQ(job->spec.bindings[0].pointer, "/text");
  EXPECT_EQ(job->spec.bindings[1].path, "/a/b");
}

TEST(JobOptionsTest, AParameterIsGivenOrBoundNotBoth) {
  JobOptions options;
  options.kind = "echo";
  options.params = {"text=mine"};
  options.bindings = {"text=" + kId + ":/text"};
  auto job = draft(options);
  ASSERT_FALSE(job);
  ASSERT_EQ(job.error().faults.size(), 1u);
  EXPECT_EQ(job.error().faults[0].path, "--from");
}

TEST(JobOptionsTest, LimitsAreReadWithTheirUnits) {
  JobOptions options;
  options.timeout = "1m30s";
  options.memory = "2G";
  options.retries = 2;
  options.priority = "high";
  options.on_lost = "fail";
  options.not_before = "+10s";
  options.deadline = "2026-11-21T09:32:41Z";
  options.after = {kId};
  auto job = draft(options);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->spec.timeout_ms, 90'000);
  EXPECT_EQ(job->spec.memory_bytes, 2'147'483'648u);
  EXPECT_EQ(job->spec.retry.max_attempts, 3u);
  EXPECT_TRUE(job->spec.retry.on_command_failure);
  EXPECT_EQ(job->spec.priority, Priority::high);
  EXPECT_EQ(job->spec.on_lost, OnLost::fail);
  EXPECT_EQ(job->spec.not_before_ms, 1'010'000);
  EXPECT_EQ(job->spec.deadline_ms, 1'795'253'561'000);
  EXPECT_EQ(job->spec.depends_on.size(), 1u);
}

TEST(JobOptionsTest, ADeadlineThatHasPassedIsRefusedButNotWhenAskedAgain) {
  JobOptions options;
  options.deadline = "2026-11-21T09:32:41Z";
  EXPECT_TRUE(draft(options));
  options.deadline = "1000";
  auto late = draft(options);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().faults.at(0).path, "--deadline");
  options.id = kId;
  EXPECT_TRUE(draft(options));
}

TEST(JobOptionsTest, EverythingThatIsWrongComesInOneAnswer) {
  JobOptions options;
  options.timeout = "soon";
  options.memory = "much";
  options.priority = "urgent";
  options.after = {"nobody"};
  options.params = {"novalue"};
  auto job = draft(options);
  ASSERT_FALSE(job);
  std::vector<std::string> paths;
  for (const auto& fault : job.error().faults) paths.push_back(fault.path);
  EXPECT_THAT(paths, testing::UnorderedElementsAre("--timeout", "--memory",
                                                   "--priority", "--after",
                                                   "--param", "params.argv"));
}

TEST(JobOptionsTest, NothingIsSaidOfParametersThatCouldNotBeRead) {
  JobOptions options;
  for (const auto* text : {"{\"argv\":[", "7"}) {
    options.all_params = text;
    options.timeout = "soon";
    const auto job = draft(options);
    ASSERT_FALSE(job);
    std::vector<std::string> paths;
    for (const auto& fault : job.error().faults) paths.push_back(fault.path);
    EXPECT_THAT(paths, testing::UnorderedElementsAre("--params", "--timeout"));
  }
}

TEST(JobOptionsTest, AMistypedChoiceIsAnsweredWithTheNearest) {
  JobOptions options;
  options.argv = {"true"};
  options.priority = "hihg";
  EXPECT_EQ(error_of(options),
            "--priority 'hihg' is unknown; did you mean 'high'? known are low, "
            "normal, high");
  options.priority.clear();
  options.progress = {"ffmepg"};
  EXPECT_THAT(error_of(options), HasSubstr("did you mean 'ffmpeg'?"));
  options.progress = {R"({"rule":"ffmpeg","duration_s":3})"};
  EXPECT_EQ(error_of(options), "");
}

TEST(JobOptionsTest, AFileThatCannotBeSentIsMisuse) {
  JobOptions options;
  options.kind = "process.run";
  options.argv = {"true"};
  options.inputs = {"a=/films/a.mp4"};
  const auto gone = [](const std::filesystem::path& path, std::uint64_t) {
    return path.string() + " does not exist";
  };
  const auto job = draft_job(options, all_kinds(), 0, gone);
  ASSERT_FALSE(job);
  ASSERT_EQ(job.error().faults.size(), 1u);
  EXPECT_EQ(job.error().faults[0].path, "--input");
}

JobOptions asking(std::vector<std::string> params) {
  JobOptions options;
  options.kind = "text.generate";
  options.model = "demo-chat";
  options.params = std::move(params);
  return options;
}

TEST(JobOptionsTest, ATextMayStandInAFile) {
  const auto draft = draft_job(asking({"prompt=@/tmp/story"}), all_kinds(), 0);
  ASSERT_TRUE(draft) << draft.error().message;
  ASSERT_EQ(draft->files.size(), 1u);
  EXPECT_EQ(draft->files[0].path, "/tmp/story");
  EXPECT_EQ(draft->spec.inputs.at(draft->files[0].input).name, "prompt");
  const auto params = *parse_json(draft->spec.params);
  EXPECT_EQ(params["prompt_input"], "prompt");
  EXPECT_FALSE(params.contains("prompt"));
  EXPECT_THAT(draft_faults(draft->spec, all_kinds()), IsEmpty());
  const auto plain = draft_job(asking({"prompt=@@home"}), all_kinds(), 0);
  EXPECT_EQ((*parse_json(plain->spec.params))["prompt"], "@home");
}

TEST(JobOptionsTest, ATextThatIsTooLongForAJobGoesAsAFile) {
  const std::string text(200'000, 'x');
  const auto draft = draft_job(asking({"prompt=" + text}), all_kinds(), 0);
  ASSERT_TRUE(draft) << draft.error().message;
  ASSERT_EQ(draft->files.size(), 1u);
  EXPECT_EQ(draft->files[0].bytes, text);
  EXPECT_THAT(draft_faults(draft->spec, all_kinds()), IsEmpty());
  const auto messages = R"([{"role":"user","content":")" + text + "\"}]";
  const auto chat = draft_job(asking({"messages=" + messages}), all_kinds(), 0);
  ASSERT_TRUE(chat) << chat.error().message;
  ASSERT_EQ(chat->files.size(), 1u);
  EXPECT_EQ(chat->files[0].bytes.size(), messages.size());
}

TEST(JobOptionsTest, AFileThatNoDeviceWouldReadIsRefusedBeforeItIsUploaded) {
  std::vector<std::uint64_t> allowed;
  const auto fault = [&](const std::filesystem::path&, std::uint64_t most) {
    allowed.push_back(most);
    return std::string(most == kMaxTextInputBytes ? "is too big" : "");
  };
  const auto at =
      draft_job(asking({"prompt=@/tmp/story"}), all_kinds(), 0, fault);
  ASSERT_FALSE(at);
  EXPECT_THAT(at.error().message, HasSubstr("prompt=@FILE: is too big"));
  auto input = asking({"messages_input=talk"});
  input.inputs = {"talk=/tmp/talk", "film=/tmp/film"};
  const auto named = draft_job(input, all_kinds(), 0, fault);
  ASSERT_FALSE(named);
  EXPECT_THAT(named.error().message, HasSubstr("is too big"));
  EXPECT_EQ(allowed, (std::vector<std::uint64_t>{
                         kMaxTextInputBytes, kMaxTextInputBytes, UINT64_MAX}));
}

TEST(JobOptionsTest, ATextThatNoDeviceWouldReadIsRefusedToo) {
  const std::string text(kMaxTextInputBytes + 1, 'x');
  const auto draft = draft_job(asking({"prompt=" + text}), all_kinds(), 0);
  ASSERT_FALSE(draft);
  EXPECT_EQ(draft.error().faults[0].path, "params.prompt");
  EXPECT_THAT(draft.error().message, HasSubstr("at most 4194304 are allowed"));
}

TEST(JobOptionsTest, MessagesThatAreNoJsonAreRefusedWithTheirPlace) {
  const auto draft =
      draft_job(asking({R"(messages=[{"role":"user","content":"\ud800"}])"}),
                all_kinds(), 0);
  ASSERT_FALSE(draft);
  EXPECT_THAT(draft.error().faults[0].message,
              HasSubstr("messages[0].content is not JSON"));
}

TEST(JobOptionsTest, AnUnknownKindIsAnsweredWithTheNearest) {
  JobOptions options;
  options.kind = "proces.run";
  EXPECT_THAT(error_of(options), HasSubstr("did you mean 'process.run'?"));
}

TEST(JobOptionsTest, ACommandIsForProcessRunOnly) {
  JobOptions options;
  options.kind = "echo";
  options.argv = {"true"};
  EXPECT_EQ(error_of(options),
            "-- ARGV is for process.run; echo takes its parameters as -p "
            "NAME=VALUE (and 1 more)");
  options.params = {"text=1"};
  options.argv.clear();
  options.outputs = {"o"};
  EXPECT_THAT(error_of(options),
              testing::StartsWith("--output is for process"));
}

Result<JobSpec> line(std::string_view text) {
  return job_from_json(text, all_kinds());
}

TEST(JobLineTest, ReadsAJobWithParametersAsAnObject) {
  auto spec = line(
      R"({"kind":"echo","params":{"text":"a"},"tags":["x"],"priority":"low"})");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->params, R"({"text":"a"})");
  EXPECT_EQ(spec->priority, Priority::low);
}

std::vector<std::string> faulty(const std::string& text) {
  auto spec = line(text);
  std::vector<std::string> paths;
  if (!spec)
    for (const auto& fault : spec.error().faults) paths.push_back(fault.path);
  return paths;
}

TEST(JobLineTest, RefusesWhatWouldBeDroppedWithoutAWord) {
  using testing::ElementsAre;
  EXPECT_THAT(faulty(R"({"kind":"noop","kind":"echo","params":{"text":"a"}})"),
              ElementsAre("kind"));
  EXPECT_THAT(faulty(R"({"kind":"echo","params":{"text":"a","text":"b"}})"),
              ElementsAre("params.text"));
  EXPECT_THAT(
      faulty(R"({"kind":"echo","params":"{\"text\":\"a\",\"text\":\"b\"}"})"),
      ElementsAre("params.text"));
  EXPECT_THAT(faulty(R"({"kind":"echo","params":{"text":"a"},"tenant":"x",)"
                     R"("submitted_by":"x","submitted_ms":1})"),
              ElementsAre("tenant", "submitted_by", "submitted_ms"));
}

TEST(JobLineTest, RefusesWhatIsNoJob) {
  EXPECT_FALSE(line("{"));
  EXPECT_FALSE(line("[]"));
  auto spec = line(R"({"kind":"echo","tag":["x"]})");
  ASSERT_FALSE(spec);
  EXPECT_THAT(spec.error().message, HasSubstr("did you mean 'tags'"));
}

TEST(JobLineTest, EverythingThatIsWrongComesInOneAnswer) {
  auto spec = line(
      R"({"kind":"echo","priority":"hihg","timeout_ms":"abc","params":{}})");
  ASSERT_FALSE(spec);
  std::vector<std::string> paths;
  for (const auto& fault : spec.error().faults) paths.push_back(fault.path);
  EXPECT_THAT(paths, testing::UnorderedElementsAre("priority", "timeout_ms",
                                                   "params.text"));
  EXPECT_THAT(spec.error().message, HasSubstr("did you mean 'high'"));
}

TEST(JobLineTest, WhatOnlyTheHeadCanJudgeGoesThrough) {
  EXPECT_TRUE(line(R"({"kind":"nope"})"));
  EXPECT_TRUE(line(R"({"kind":"echo","params":{"stpes":1}})"));
}

TEST(ParseTimeTest, ReadsRelativeAbsoluteAndUnixTimes) {
  EXPECT_EQ(*parse_time("+10m", 1'000), 601'000);
  EXPECT_EQ(*parse_time("1700000000000", 0), 1'700'000'000'000);
  EXPECT_EQ(*parse_time("1970-01-01T00:00:01Z", 0), 1'000);
  for (auto text : {"", "tomorrow", "+", "2026-13-01T00:00:00Z", "12x"})
    EXPECT_FALSE(parse_time(text, 0)) << text;
}

TEST(ParamHelpTest, NamesEveryParameterOfTheKind) {
  const auto* kind = find_kind(all_kinds(), "echo");
  const auto text = param_help(*kind);
  for (const auto& param : kind->params)
    EXPECT_THAT(text, HasSubstr("  " + std::string(param.name)));
}

TEST(ParamHelp, TellsTheRangeOfEachParameterThatHasOne) {
  const auto kinds = all_kinds();
  const auto text = param_help(*find_kind(kinds, "text.generate"));
  EXPECT_THAT(text, HasSubstr("Answers; allowed are 1 to 16."));
  EXPECT_THAT(text, HasSubstr("allowed is above 0 up to 1."));
  EXPECT_THAT(text, HasSubstr("allowed are -2.0 to 2.0."));
  EXPECT_THAT(param_help(*find_kind(kinds, "text.enhance")),
              HasSubstr("allowed are 1 to 1048576."));
}

}  // namespace
}  // namespace troupe
