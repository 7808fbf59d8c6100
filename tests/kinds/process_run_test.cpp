#include "kinds/process_run.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace troupe {
namespace {

using Json = nlohmann::ordered_json;

struct Outcome {
  JobSpec spec;
  std::vector<Fault> faults;
  std::vector<std::string> paths() const {
    std::vector<std::string> list;
    for (const auto& fault : faults) list.push_back(fault.path);
    return list;
  }
};

Outcome normalise(const std::string& params, JobSpec spec = {}) {
  Outcome outcome{std::move(spec), {}};
  outcome.spec.params = params;
  process_run_kind().normalise(outcome.spec, outcome.faults);
  return outcome;
}

using Paths = std::vector<std::string>;

TEST(ProcessRun, FillsInEveryDefault) {
  auto outcome = normalise(R"({"argv":["true"]})");
  ASSERT_EQ(outcome.paths(), Paths{});
  EXPECT_EQ(Json::parse(outcome.spec.params), Json::parse(R"({
    "argv":["true"],"env":{},"inherit_env":["PATH","HOME","LANG"],"cwd":"",
    "outputs":[],"progress":[],"grace_ms":10000,"quiet_ms":30000,
    "log_bytes":4194304})"));
}

TEST(ProcessRun, WhatIsNormalisedStaysAsItIs) {
  const auto once = normalise(
      R"({"argv":["a","b"],"env":{"B":"2","A":"1"},"progress":["tqdm",
      {"rule":"ffmpeg","duration_s":2.5}],"stdin":"x","outputs":["o/*.png"]})");
  ASSERT_EQ(once.paths(), Paths{});
  EXPECT_EQ(normalise(once.spec.params).spec.params, once.spec.params);
}

TEST(ProcessRun, ReadsBackWhatItStores) {
  const auto outcome = normalise(
      R"({"argv":["a"],"env":{"A":"1"},"progress":["loss"],"grace_ms":5})");
  auto params = parse_process_run(outcome.spec.params);
  ASSERT_TRUE(params);
  EXPECT_EQ(params->argv, std::vector<std::string>{"a"});
  EXPECT_EQ(params->env.at("A"), "1");
  ASSERT_EQ(params->progress.size(), 1u);
  EXPECT_EQ(params->progress[0].type, ProgressRuleType::loss);
  EXPECT_EQ(params->grace_ms, 5);
}

TEST(ProcessRun, TellsAllFaultsInOneAnswerEachWithItsPath) {
  const auto outcome = normalise(R"({
    "argv":["", 7], "env":{"A=B":"1","C":2}, "cwd":"here", "stdin":3,
    "outputs":["../x","/y","ok","a//b","dir/"], "progress":["percnt",4],
    "grace_ms":-1, "quiet_ms":"soon", "log_bytes":1, "colour":"red"})");
  EXPECT_EQ(
      outcome.paths(),
      (Paths{"params.colour", "params.argv[1]", "params.argv[0]",
             "params.env.A=B", "params.env.C", "params.cwd", "params.stdin",
             "params.outputs[0]", "params.outputs[1]", "params.outputs[3]",
             "params.outputs[4]", "params.progress[0]", "params.progress[1]",
             "params.grace_ms", "params.quiet_ms", "params.log_bytes"}));
}

TEST(ProcessRun, AnUnknownNameIsAnsweredWithTheKnownOnes) {
  const auto outcome = normalise(R"({"argv":["a"],"arg":[]})");
  ASSERT_EQ(outcome.faults.size(), 1u);
  EXPECT_NE(outcome.faults[0].message.find("argv, env"), std::string::npos);
}

TEST(ProcessRun, AMistypedRuleIsAnsweredWithTheNearest) {
  EXPECT_FALSE(unknown_rule("tqdm"));
  EXPECT_EQ(unknown_rule("ffmepg"),
            "'ffmepg' is unknown; did you mean 'ffmpeg'? known are percent, "
            "tqdm, steps, loss, learning_rate, eta, ffmpeg");
}

TEST(ProcessRun, ArgvIsRequired) {
  EXPECT_EQ(normalise("{}").paths(), Paths{"params.argv"});
  EXPECT_EQ(normalise(R"({"argv":[]})").paths(), Paths{"params.argv"});
  EXPECT_EQ(normalise(R"({"argv":"ls -l"})").paths(), Paths{"params.argv"});
}

TEST(ProcessRun, WhatIsNoObjectIsRefused) {
  EXPECT_EQ(normalise("[1]").paths(), Paths{"params"});
  EXPECT_EQ(normalise("{").paths(), Paths{"params"});
}

TEST(ProcessRun, APlaceThatABindingFillsMayBeEmpty) {
  JobSpec spec;
  spec.bindings = {{.path = "/argv/2", .job = {}, .pointer = "/seed"},
                   {.path = "/env/SEED", .job = {}, .pointer = "/seed"}};
  const auto outcome =
      normalise(R"({"argv":["a","--seed",null],"env":{"SEED":null}})", spec);
  EXPECT_EQ(outcome.paths(), Paths{});
}

TEST(ProcessRun, AWholeBoundParameterIsNotRequired) {
  JobSpec spec;
  spec.bindings = {{.path = "/argv", .job = {}, .pointer = "/argv"}};
  const auto outcome = normalise("{}", spec);
  EXPECT_EQ(outcome.paths(), Paths{});
  EXPECT_TRUE(Json::parse(outcome.spec.params)["argv"].is_null());
}

TEST(ProcessRun, WhatABindingBroughtIsCheckedAgain) {
  auto params = parse_process_run(R"({"argv":["a",42]})");
  ASSERT_FALSE(params);
  ASSERT_EQ(params.error().faults.size(), 1u);
  EXPECT_EQ(params.error().faults[0].path, "params.argv[1]");
}

TEST(ProcessRun, MovesMemoryAndOnLostToTheJob) {
  const auto outcome =
      normalise(R"({"argv":["a"],"memory_bytes":1024,"on_lost":"fail"})");
  EXPECT_EQ(outcome.paths(), Paths{});
  EXPECT_EQ(outcome.spec.memory_bytes, 1024u);
  EXPECT_EQ(outcome.spec.on_lost, OnLost::fail);
  EXPECT_FALSE(Json::parse(outcome.spec.params).contains("on_lost"));
  EXPECT_EQ(normalise(R"({"argv":["a"],"on_lost":"ignore"})").paths(),
            Paths{"params.on_lost"});
}

TEST(ProcessRun, StandardInputHasOneSourceThatExists) {
  JobSpec spec;
  spec.inputs = {{.name = "clip", .sha256 = "", .job = {}, .output = {}}};
  EXPECT_EQ(normalise(R"({"argv":["a"],"stdin_input":"clip"})", spec).paths(),
            Paths{});
  EXPECT_EQ(normalise(R"({"argv":["a"],"stdin_input":"clap"})", spec).paths(),
            Paths{"params.stdin_input"});
  EXPECT_EQ(
      normalise(R"({"argv":["a"],"stdin_input":"clip","stdin":"x"})", spec)
          .paths(),
      Paths{"params.stdin_input"});
}

TEST(ProcessRun, AcceptsEachLimitAndRefusesOneMore) {
  const std::string most(kMaxArgumentBytes, 'x');
  EXPECT_EQ(normalise(Json{{"argv", {most}}}.dump()).paths(), Paths{});
  EXPECT_EQ(normalise(Json{{"argv", {most + "x"}}}.dump()).paths(),
            Paths{"params.argv[0]"});
  std::vector<std::string> argv(kMaxArguments, "a");
  EXPECT_EQ(normalise(Json{{"argv", argv}}.dump()).paths(), Paths{});
  argv.emplace_back("a");
  EXPECT_EQ(normalise(Json{{"argv", argv}}.dump()).paths(),
            (Paths{"params.argv"}));
  std::vector<std::string> outputs(kMaxOutputPatterns + 1, "o");
  EXPECT_EQ(
      normalise(Json{{"argv", {"a"}}, {"outputs", outputs}}.dump()).paths(),
      Paths{"params.outputs"});
  const auto graced = [](std::int64_t ms) {
    return normalise(Json{{"argv", {"a"}}, {"grace_ms", ms}}.dump()).paths();
  };
  EXPECT_EQ(graced(kMaxGraceMs), Paths{});
  EXPECT_EQ(graced(kMaxGraceMs + 1), Paths{"params.grace_ms"});
}

TEST(ProcessRun, AZeroByteIsRefused) {
  EXPECT_EQ(normalise(R"({"argv":["a","b\u0000c"]})").paths(),
            Paths{"params.argv[1]"});
}

TEST(ProcessRun, AModelIsRefused) {
  JobSpec spec;
  spec.model = "sdxl";
  EXPECT_EQ(normalise(R"({"argv":["a"]})", spec).paths(), Paths{"model"});
}

}  // namespace
}  // namespace troupe
