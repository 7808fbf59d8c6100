// The parameters of the kinds that write text: defaults, and everything that
// is wrong with them in one answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/system_prompts.hpp"
#include "kinds/kinds.hpp"
#include "kinds/submit_check.hpp"
#include "kinds/text_common.hpp"

namespace troupe {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class TextKindsTest : public testing::Test {
 protected:
  JobSpec job(const Json& params, const std::string& kind = "text.generate") {
    JobSpec spec;
    spec.id = {1, 7};
    spec.kind = kind;
    spec.model = "demo-chat";
    spec.params = dump_json(params);
    return spec;
  }
  std::vector<Fault> faults(JobSpec spec) {
    return check_submit(spec, all_kinds(), limits_);
  }
  std::vector<std::string> paths(const JobSpec& spec) {
    std::vector<std::string> found;
    for (auto& fault : faults(spec)) found.push_back(std::move(fault.path));
    return found;
  }
  std::string why(const JobSpec& spec) {
    const auto found = faults(spec);
    return found.size() == 1 ? found[0].path + " " + found[0].message
                             : std::to_string(found.size()) + " faults";
  }
  Json normalised(JobSpec spec) {
    EXPECT_THAT(check_submit(spec, all_kinds(), limits_), IsEmpty());
    return *parse_json(spec.params);
  }

  JobConfig limits_;
};

TEST_F(TextKindsTest, APromptIsEnough) {
  const auto params = normalised(job({{"prompt", "hello"}}));
  EXPECT_EQ(params["prompt"], "hello");
  EXPECT_EQ(params["n"], 1);
  EXPECT_EQ(params["dtype"], "auto");
  EXPECT_EQ(params["stream"], true);
  EXPECT_FALSE(params.contains("temperature")) << "the model's own";
}

TEST_F(TextKindsTest, ASeedIsMadeOfTheIdUnlessOneIsGiven) {
  auto spec = job({{"prompt", "hello"}});
  const auto seed = normalised(spec)["seed"];
  EXPECT_EQ(normalised(spec)["seed"], seed);
  EXPECT_LT(seed.get<std::uint64_t>(), 1ull << 53);
  spec.id = {1, 8};
  EXPECT_NE(normalised(spec)["seed"], seed);
  spec = job({{"prompt", "hello"}, {"seed", 0}});
  EXPECT_EQ(normalised(spec)["seed"], 0);
}

TEST_F(TextKindsTest, NormalisingTwiceChangesNothing) {
  for (const auto* kind : {"text.generate", "text.enhance"}) {
    auto once = job({{"prompt", "hello"}, {"top_p", 0.3}}, kind);
    ASSERT_THAT(check_submit(once, all_kinds(), limits_), IsEmpty());
    auto twice = once;
    ASSERT_THAT(check_submit(twice, all_kinds(), limits_), IsEmpty());
    EXPECT_TRUE(same_request(once, twice));
  }
}

TEST_F(TextKindsTest, OneStopTextIsAListOfOne) {
  EXPECT_EQ(normalised(job({{"prompt", "x"}, {"stop", "END"}}))["stop"],
            Json::array({"END"}));
}

TEST_F(TextKindsTest, MessagesStandInsteadOfAPrompt) {
  const Json messages = {{{"role", "user"}, {"content", "hi"}}};
  EXPECT_EQ(normalised(job({{"messages", messages},
                            {"system", "s"}}))["messages"][0]["content"],
            "hi");
  EXPECT_THAT(why(job({{"messages", messages}, {"prompt", "x"}})),
              HasSubstr("params.messages stand beside a prompt"));
  EXPECT_THAT(why(job(Json::object())), HasSubstr("params.prompt is missing"));
  EXPECT_THAT(why(job({{"prompt", "x"}, {"system", "s"}})),
              HasSubstr("params.system goes with messages"));
  const Json own = {{{"role", "system"}, {"content", "a"}},
                    {{"role", "user"}, {"content", "b"}}};
  EXPECT_THAT(why(job({{"messages", own}, {"system", "s"}})),
              HasSubstr("params.system stands beside a system message"));
}

TEST_F(TextKindsTest, NoMessagesAreNoPromptAndNoEmptyListBesideOne) {
  EXPECT_THAT(why(job({{"prompt", "x"}, {"messages", Json::array()}})),
              HasSubstr("params.messages stand beside a prompt"));
  EXPECT_THAT(why(job({{"messages", Json::array()}})),
              HasSubstr("params.messages are none; at least one is needed"));
  EXPECT_FALSE(normalised(job({{"prompt", "x"}, {"messages", nullptr}}))
                   .contains("messages"));
}

TEST_F(TextKindsTest, AMessageSaysSomethingBeItEmpty) {
  const Json silent = {{{"role", "user"}}, {{"role", "assistant"}}};
  EXPECT_THAT(
      paths(job({{"messages", silent}})),
      ElementsAre("params.messages[0].content", "params.messages[1].content"));
  EXPECT_THAT(
      faults(job({{"messages", {{{"role", "user"}, {"content", ""}}}}})),
      IsEmpty());
}

TEST_F(TextKindsTest, ABindingMayFillThePrompt) {
  auto spec = job(Json::object());
  spec.bindings.push_back({"/prompt", {1, 3}, "/text"});
  EXPECT_THAT(faults(spec), IsEmpty());
  spec.params = R"({"prompt":5})";
  EXPECT_THAT(faults(spec), IsEmpty()) << "what stands there does not matter";
  auto enhance = job(Json::object(), "text.enhance");
  EXPECT_THAT(paths(enhance), ElementsAre("params.prompt"));
  enhance.bindings = spec.bindings;
  EXPECT_THAT(faults(enhance), IsEmpty());
}

TEST_F(TextKindsTest, EveryFaultIsNamedWithItsPathAndWhatIsAllowed) {
  const Json messages = {{{"role", "robot"}, {"content", 5}}};
  const auto all = faults(job({{"messages", messages},
                               {"temperature", -1},
                               {"top_p", 0},
                               {"top_k", "many"},
                               {"min_p", 2},
                               {"repetition_penalty", 0},
                               {"presence_penalty", 3},
                               {"frequency_penalty", -3},
                               {"logit_bias", {{"x", 1}, {"5", 101}}},
                               {"stop", {""}},
                               {"n", 17},
                               {"logprobs", 21},
                               {"max_tokens", 0},
                               {"dtype", "int5"},
                               {"temprature", 1}}));
  std::vector<std::string> paths;
  for (const auto& fault : all) paths.push_back(fault.path);
  EXPECT_THAT(paths,
              UnorderedElementsAre(
                  "params.messages[0].role", "params.messages[0].content",
                  "params.temperature", "params.top_p", "params.top_k",
                  "params.min_p", "params.repetition_penalty",
                  "params.presence_penalty", "params.frequency_penalty",
                  "params.logit_bias", "params.logit_bias.5", "params.stop[0]",
                  "params.n", "params.logprobs", "params.max_tokens",
                  "params.dtype", "params.temprature"));
  const auto message = [&](const std::string& path) {
    for (const auto& fault : all)
      if (fault.path == path) return fault.message;
    return std::string{};
  };
  EXPECT_THAT(message("params.temperature"),
              HasSubstr("allowed are 0.0 to 100"));
  EXPECT_THAT(message("params.n"), HasSubstr("is 17; allowed are 1 to 16"));
  EXPECT_THAT(message("params.dtype"), HasSubstr("int4"));
  EXPECT_THAT(message("params.temprature"), HasSubstr("'temperature'"));
  EXPECT_THAT(message("params.messages[0].role"), HasSubstr("assistant"));
}

TEST_F(TextKindsTest, LimitsAreReachedAndNotPassed) {
  EXPECT_THAT(faults(job({{"prompt", "x"},
                          {"temperature", 100},
                          {"top_p", 1},
                          {"min_p", 1},
                          {"n", 16},
                          {"logprobs", 20},
                          {"presence_penalty", -2},
                          {"logit_bias", {{"999999999", -100}}},
                          {"stop", std::vector<std::string>(16, "a")}})),
              IsEmpty());
  EXPECT_THAT(paths(job({{"prompt", "x"},
                         {"stop", std::vector<std::string>(17, "a")}})),
              ElementsAre("params.stop"));
  EXPECT_THAT(paths(job({{"prompt", "x"}, {"stop", std::string(257, 'a')}})),
              ElementsAre("params.stop[0]"));
  EXPECT_THAT(paths(job({{"prompt", "x"}, {"top_p", 1e-60}})),
              ElementsAre("params.top_p"));
}

TEST_F(TextKindsTest, OfAWrongSortTheyAreToldWhatIsAllowed) {
  EXPECT_THAT(why(job({{"prompt", "x"}, {"n", "many"}})),
              HasSubstr("allowed are 1 to 16"));
  EXPECT_THAT(why(job({{"prompt", "x"}, {"seed", -1}})),
              HasSubstr("allowed are 0 to 18446744073709551615"));
  EXPECT_THAT(why(job({{"prompt", "x"}, {"logit_bias", {{"5", "much"}}}})),
              HasSubstr("allowed are -100.0 to 100.0"));
  EXPECT_THAT(why(job({{"prompt", "x"}, {"logit_bias", {1}}})),
              HasSubstr(R"(such as {"42":-100})"));
}

TEST_F(TextKindsTest, APromptThatIsEmptyIsNotCalledMissing) {
  EXPECT_THAT(why(job(Json::object(), "text.enhance")),
              HasSubstr("params.prompt is missing: say in few words"));
  for (const auto* nothing : {"", " \n\t "})
    EXPECT_THAT(why(job({{"prompt", nothing}}, "text.enhance")),
                HasSubstr("params.prompt is empty: say in few words"));
}

TEST_F(TextKindsTest, ATokenIsNamedInOneWayOnly) {
  EXPECT_THAT(paths(job({{"prompt", "x"}, {"logit_bias", {{"5", 1}}}})),
              IsEmpty());
  EXPECT_THAT(paths(job({{"prompt", "x"}, {"logit_bias", {{"0", 1}}}})),
              IsEmpty());
  EXPECT_THAT(
      why(job({{"prompt", "x"}, {"logit_bias", {{"5", 1}, {"05", 2}}}})),
      HasSubstr("params.logit_bias names '05'"));
}

TEST_F(TextKindsTest, HalfACharacterIsRefusedWithItsPlace) {
  auto spec = job({{"prompt", "x"}});
  spec.params =
      R"({"messages":[{"role":"user","content":"a"},{"role":"user","content":"\ud800"}]})";
  const auto found = why(spec);
  EXPECT_THAT(found, HasSubstr("params.messages[1].content is not JSON"));
  EXPECT_THAT(found, HasSubstr("surrogate"));
}

TEST_F(TextKindsTest, ALongTextMayStandInAnInputFile) {
  auto spec = job({{"prompt_input", "story"}});
  EXPECT_THAT(why(spec), HasSubstr("params.prompt_input is 'story', which is "
                                   "no input file of the job"));
  spec.inputs.push_back({.name = "story", .sha256 = std::string(64, 'a')});
  EXPECT_THAT(faults(spec), IsEmpty());
  spec.kind = "text.enhance";
  EXPECT_THAT(faults(spec), IsEmpty());
  spec = job({{"messages_input", "story"}, {"prompt", "x"}});
  spec.inputs.push_back({.name = "story", .sha256 = std::string(64, 'a')});
  EXPECT_THAT(why(spec), HasSubstr("stand beside a prompt"));
}

TEST_F(TextKindsTest, TextsThatAreTooLongAreToldTheWayThatWorks) {
  auto spec = job({{"prompt", std::string(20'000, 'x')}});
  EXPECT_THAT(why(spec), HasSubstr("--param prompt=@FILE"));
}

TEST_F(TextKindsTest, TextNeedsAModel) {
  auto spec = job({{"prompt", "x"}});
  spec.model = "";
  EXPECT_THAT(paths(spec), Contains("model"));
}

TEST_F(TextKindsTest, ParamsMustBeAnObject) {
  auto spec = job({{"prompt", "x"}});
  spec.params = "[1]";
  EXPECT_THAT(why(spec), HasSubstr("must be a JSON object"));
}

TEST_F(TextKindsTest, AnEnhancementTakesItsSystemPromptFromTheCatalog) {
  for (const auto* target : {"sdxl", "wan"})
    for (const auto* style : {"base", "instruct"}) {
      const auto params = normalised(
          job({{"prompt", "a cat"}, {"target", target}, {"style", style}},
              "text.enhance"));
      EXPECT_EQ(params["system"], *enhance_system_prompt(target, style));
      EXPECT_EQ(params["max_tokens"], 256);
    }
  EXPECT_EQ(normalised(job({{"prompt", "a cat"}, {"system", "mine"}},
                           "text.enhance"))["system"],
            "mine");
  EXPECT_THAT(paths(job({{"prompt", ""}, {"style", "x"}, {"target", "flux"}},
                        "text.enhance")),
              ElementsAre("params.prompt", "params.style", "params.target"));
}

TEST_F(TextKindsTest, OfWhatCouldNotBeReadNothingMoreIsSaid) {
  EXPECT_THAT(paths(job({{"prompt", "x"}, {"max_tokens", 1.5}, {"n", 17}})),
              ElementsAre("params.max_tokens", "params.n"));
  EXPECT_THAT(paths(job({{"prompt", "x"}, {"stop", {"x", 1}}})),
              ElementsAre("params.stop[1]"));
  EXPECT_THAT(why(job({{"messages", {{{"content", "a"}}}}})),
              HasSubstr("params.messages[0].role is missing"));
  EXPECT_THAT(
      paths(job({{"prompt", "x"}, {"logit_bias", {{"a", 1}, {"b", 2}}}})),
      ElementsAre("params.logit_bias", "params.logit_bias"));
  EXPECT_THAT(why(job({{"prompt", ""}})), HasSubstr("params.prompt is empty"));
  const auto unknown = why(job({{"prompt", "x"}, {"n", 2}}, "text.enhance"));
  EXPECT_THAT(unknown, HasSubstr("params.n is not known here"));
  EXPECT_THAT(unknown, testing::Not(HasSubstr("allowed are")));
}

TEST(SystemPrompts, AreFourDifferentTextsAndNoMore) {
  std::set<std::string_view> texts;
  for (const auto* target : {"sdxl", "wan"})
    for (const auto* style : {"base", "instruct"})
      texts.insert(enhance_system_prompt(target, style).value_or(""));
  EXPECT_EQ(texts.size(), 4u);
  EXPECT_FALSE(enhance_system_prompt("sdxl", "poet"));
  EXPECT_FALSE(enhance_system_prompt("flux", "base"));
}

// Whoever asks for help sees what is read, and no more.
template <class Params>
void expect_table_of(const Kind& kind) {
  std::vector<std::string_view> names;
  for (const auto& param : kind.params) {
    names.push_back(param.name);
    Json json = Json::object();
    json[std::string(param.name)] = nullptr;
    EXPECT_TRUE(from_json<Params>(json, UnknownFields::refuse)) << param.name;
  }
  Params all;
  all.prompt = all.system = "x";
  all.max_tokens = all.seed.emplace(1);
  all.sampling = {1, 1, 1, 1, 1, 1, 1};
  const auto json = to_json(all);
  for (const auto& [name, value] : json.items())
    EXPECT_THAT(names, Contains(name)) << kind.name;
}

TEST(TextKinds, TheTablesNameEveryParameter) {
  const auto kinds = all_kinds();
  expect_table_of<TextParams>(*find_kind(kinds, "text.generate"));
  expect_table_of<EnhanceParams>(*find_kind(kinds, "text.enhance"));
}

}  // namespace
}  // namespace troupe
