// What a request means to a model, and what is wrong with it.
#include "models/qwen2/text_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/text_model.hpp"

namespace troupe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TextRequestTest : public ::testing::Test {
 protected:
  Qwen2Text model() {
    const auto config = load_qwen2_config(folder_.path());
    auto text = load_qwen2_text(folder_.path(), &*config);
    EXPECT_TRUE(text) << text.error().message;
    return std::move(*text);
  }
  Result<TextRequest> resolve(const Json& params,
                              const std::string& kind = "text.generate") {
    return resolve_text_request({kind, dump_json(params)}, model(),
                                {.sequence = 400, .pages = 40});
  }
  TextRequest good(const Json& params,
                   const std::string& kind = "text.generate") {
    auto request = resolve(params, kind);
    EXPECT_TRUE(request) << request.error().message;
    return request ? *std::move(request) : TextRequest{};
  }
  std::string prompt_of(const TextRequest& request) {
    return *model().tokenizer.decode(request.prompt, SpecialTokens::keep);
  }

  TextModelFolder folder_;
};

TEST_F(TextRequestTest, TakesARawPromptAsItIs) {
  EXPECT_EQ(prompt_of(good({{"prompt", "hello"}})), "hello");
}

TEST_F(TextRequestTest, PutsMessagesIntoTheModelsTemplate) {
  const Json messages = {{{"role", "user"}, {"content", "hi"}}};
  EXPECT_THAT(prompt_of(good({{"messages", messages}})),
              ::testing::EndsWith("<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n"
                                  "<|im_start|>assistant\n"));
  EXPECT_EQ(prompt_of(good({{"messages", messages}, {"system", "be brief"}})),
            "<|im_start|>system\nbe brief<|im_end|>\n"
            "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
}

TEST_F(TextRequestTest, LetsASystemMessageWinOverTheSystemPrompt) {
  const Json messages = {{{"role", "system"}, {"content", "own"}},
                         {{"role", "user"}, {"content", "hi"}}};
  EXPECT_THAT(prompt_of(good({{"messages", messages}, {"system", "be brief"}})),
              ::testing::StartsWith("<|im_start|>system\nown<|im_end|>"));
}

TEST_F(TextRequestTest, IsGreedyWhereNobodyAsksToSample) {
  EXPECT_EQ(good({{"prompt", "x"}}).sampling.temperature, 0);
  EXPECT_EQ(good({{"prompt", "x"}, {"temperature", 0.4}}).sampling.temperature,
            0.4f);
  EXPECT_EQ(good({{"prompt", "x"}, {"top_p", 0.4}}).sampling.temperature, 1);
}

TEST_F(TextRequestTest, TakesTheMakersValuesUnlessTheUserSaysOtherwise) {
  folder_.add("generation_config.json",
              R"({"do_sample": true, "temperature": 0.7, "top_p": 0.8,
                  "top_k": 20, "repetition_penalty": 1.05,
                  "frequency_penalty": 0.5,
                  "eos_token_id": [1500, 1502]})");
  const auto plain = good({{"prompt", "x"}});
  EXPECT_EQ(plain.sampling.temperature, 0.7f);
  EXPECT_EQ(plain.sampling.top_p, 0.8f);
  EXPECT_EQ(plain.sampling.top_k, 20);
  EXPECT_EQ(plain.sampling.repetition_penalty, 1.05f);
  EXPECT_EQ(plain.sampling.frequency_penalty, 0.5f);
  EXPECT_THAT(plain.eos, ElementsAre(1500, 1502));
  const auto own = good({{"prompt", "x"},
                         {"temperature", 0},
                         {"top_k", 0},
                         {"top_p", 1},
                         {"repetition_penalty", 1},
                         {"frequency_penalty", 0},
                         {"ignore_eos", true}});
  EXPECT_EQ(own.sampling.temperature, 0);
  EXPECT_EQ(own.sampling.top_p, 1);
  EXPECT_EQ(own.sampling.top_k, 0);
  EXPECT_EQ(own.sampling.repetition_penalty, 1);
  EXPECT_EQ(own.sampling.frequency_penalty, 0);
  EXPECT_THAT(own.eos, IsEmpty());
}

TEST_F(TextRequestTest, AsksForAnEnhancedPromptInBothStyles) {
  const Json params{{"prompt", "a red circle"},
                    {"style", "instruct"},
                    {"system", "make it richer"}};
  EXPECT_EQ(prompt_of(good(params, "text.enhance")),
            "<|im_start|>system\nmake it richer<|im_end|>\n"
            "<|im_start|>user\na red circle<|im_end|>\n"
            "<|im_start|>assistant\n");
  auto base = params;
  base["style"] = "base";
  const auto request = good(base, "text.enhance");
  EXPECT_EQ(prompt_of(request),
            "make it richer\n\nPrompt: a red circle\nEnhanced prompt:");
  EXPECT_THAT(request.stops, ElementsAre("\n"));
}

// -- what is wrong ------------------------------------------------------------

TEST_F(TextRequestTest, NamesAllFaultsInOneAnswer) {
  const auto request = resolve({{"prompt", ""},
                                {"max_tokens", 500},
                                {"logit_bias", {{"1522", 1}, {"x", 2}}}});
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().code, Errc::invalid_argument);
  const auto& faults = request.error().faults;
  ASSERT_EQ(faults.size(), 4u);
  EXPECT_EQ(faults[0].path, "params.prompt");
  EXPECT_THAT(faults[0].message, HasSubstr("is empty"));
  EXPECT_EQ(faults[1].path, "params.max_tokens");
  EXPECT_EQ(faults[2].path, "params.logit_bias");
  EXPECT_THAT(faults[2].message, HasSubstr("'x'"));
  EXPECT_EQ(faults[3].path, "params.logit_bias.1522");
  EXPECT_THAT(faults[3].message, HasSubstr("ids below 1522"));
  for (const auto& fault : faults)
    EXPECT_THAT(request.error().message, HasSubstr(fault.message));
}

TEST_F(TextRequestTest, TellsTheFirstFaultsOfVeryMany) {
  Json biases = Json::object();
  for (int i = 0; i < 1000; ++i) biases["x" + std::to_string(i)] = 1;
  const auto request = resolve({{"prompt", "a"}, {"logit_bias", biases}});
  ASSERT_FALSE(request);
  EXPECT_LT(request.error().message.size(), 4096u);
  EXPECT_THAT(request.error().message, HasSubstr("more)"));
}

TEST_F(TextRequestTest, RefusesAPromptThatLeavesNoRoomForAToken) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "1";  // A digit is a token.
  const auto full = resolve({{"prompt", text}});
  ASSERT_FALSE(full);
  EXPECT_THAT(full.error().message, HasSubstr("params.prompt has 400 tokens"));
  EXPECT_THAT(full.error().message, HasSubstr("a prompt of 1 to 399"));
  const auto answered = resolve({{"prompt", text}, {"max_tokens", 100}});
  ASSERT_FALSE(answered);
  EXPECT_THAT(answered.error().message,
              HasSubstr("a prompt of 1 to 300 before an answer of 100"));
  text.pop_back();
  EXPECT_EQ(good({{"prompt", text}}).max_tokens, 1);
}

TEST_F(TextRequestTest, NamesTheLargestNumberOfAnswersThatFits) {
  // Of a page of 16 positions 40 are there, 13 for each.
  const Json asked{{"prompt", "1"}, {"max_tokens", 200}, {"n", 4}};
  const auto request = resolve(asked);
  ASSERT_FALSE(request);
  ASSERT_EQ(request.error().faults.size(), 1u);
  EXPECT_EQ(request.error().faults[0].path, "params.n");
  EXPECT_THAT(request.error().faults[0].message,
              HasSubstr("allowed are 1 to 3"));
  auto fewer = asked;
  fewer["n"] = 3;
  EXPECT_EQ(good(fewer).choices, 3);
  auto more = asked;
  more["max_tokens"] = 401;
  const auto all = resolve(more);
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().faults.size(), 2u) << "beside what else is wrong";
}

TEST_F(TextRequestTest, RefusesMessagesWhereTheTemplateIsUnknown) {
  folder_.add("chat_template.jinja", "{{ messages }}");
  const Json messages = {{{"role", "user"}, {"content", "hi"}}};
  const auto request = resolve({{"messages", messages}});
  ASSERT_FALSE(request);
  EXPECT_THAT(request.error().message, HasSubstr("give a raw prompt"));
  EXPECT_EQ(prompt_of(good({{"prompt", "hi"}})), "hi");
}

// A file's, that no kind has seen.
TEST_F(TextRequestTest, NamesEveryFaultOfMessagesByItsWholePath) {
  const auto paths = [&](const Json& messages) {
    std::vector<std::string> found;
    const auto request = resolve({{"messages", messages}});
    if (!request)
      for (const auto& fault : request.error().faults)
        found.push_back(fault.path);
    return found;
  };
  EXPECT_THAT(
      paths({{{"role", "robot"}, {"content", "a"}},
             {{"role", "user"}},
             {{"role", "tool"}, {"content", "b"}}}),
      ElementsAre("params.messages[0].role", "params.messages[1].content",
                  "params.messages[2].role"));
  EXPECT_THAT(
      paths({{{"role", "robot"}, {"content", "a"}},
             {{"role", "user"}, {"content", 5}}}),
      ElementsAre("params.messages[1].content", "params.messages[0].role"));
  EXPECT_THAT(paths(Json::array()), ElementsAre("params.messages"));
  EXPECT_THAT(paths({{{"role", "user"}, {"content", ""}}}), IsEmpty());
}

TEST_F(TextRequestTest, SpeaksOfThePromptThatAnEnhancementWasGiven) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "1";
  const auto asked = resolve({{"prompt", text}}, "text.enhance");
  ASSERT_FALSE(asked);
  EXPECT_THAT(asked.error().message, HasSubstr("params.prompt has 4"));
  folder_.add("chat_template.jinja", "{{ messages }}");
  const auto unknown = resolve({{"prompt", "a cat"}}, "text.enhance");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("params.style instruct"));
}

// -- what is known before a device is asked -----------------------------------

class TextLimitsTest : public ::testing::Test {
 protected:
  std::vector<Fault> beyond(const Json& params,
                            const std::string& kind = "text.generate") {
    return beyond_text_limits(limits, {kind, dump_json(params)});
  }
  RequestLimits limits{.sequence = 400, .pages = 40, .tokens = 1522};
};

TEST_F(TextLimitsTest, NoTokensAreToldTheModelsOwnRange) {
  const auto faults = beyond({{"prompt", "x"}, {"max_tokens", 0}});
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_THAT(faults[0].message, HasSubstr("is 0"));
  EXPECT_THAT(faults[0].message, HasSubstr("allowed are 1 to 399"));
  EXPECT_TRUE(beyond({{"prompt", "x"}, {"max_tokens", 1}}).empty());
  EXPECT_TRUE(beyond({{"prompt", "x"}, {"max_tokens", "all"}}).empty())
      << "what it must be its kind says";
  EXPECT_EQ(beyond({{"max_tokens", "all"}, {"n", 3}, {"x", 1}}).size(), 0u);
  EXPECT_EQ(beyond({{"max_tokens", 300}, {"n", 3}, {"top_p", "a"}}).size(), 1u)
      << "what could be read is looked at";
  EXPECT_TRUE(beyond({{"prompt", "x"}}).empty());
}

TEST_F(TextLimitsTest, AllThatNoPromptWouldDoIsNamed) {
  limits.why_no_chat = "an unknown template";
  const auto faults = beyond({{"messages", Json::array()},
                              {"max_tokens", 400},
                              {"n", 3},
                              {"logit_bias", {{"1521", 1}, {"1522", 1}}}});
  ASSERT_EQ(faults.size(), 4u);
  EXPECT_EQ(faults[0].path, "params.max_tokens");
  EXPECT_THAT(faults[0].message, HasSubstr("allowed are 1 to 399"));
  EXPECT_EQ(faults[1].path, "params.n");
  EXPECT_THAT(faults[1].message, HasSubstr("allowed are 1 to 1"));
  EXPECT_EQ(faults[2].path, "params.logit_bias.1522");
  EXPECT_THAT(faults[2].message, HasSubstr("ids below 1522"));
  EXPECT_EQ(faults[3].path, "params.messages");
  EXPECT_THAT(faults[3].message, HasSubstr("an unknown template"));
}

TEST_F(TextLimitsTest, WhatAPromptMightDoIsNotRefused) {
  EXPECT_THAT(beyond({{"prompt", "x"}, {"max_tokens", 399}}), IsEmpty());
  EXPECT_THAT(beyond({{"prompt", "x"}, {"n", 16}}), IsEmpty());
  EXPECT_THAT(beyond({{"prompt", "x"}, {"max_tokens", 200}, {"n", 3}}),
              IsEmpty());
  limits.why_no_chat = "none";
  EXPECT_THAT(beyond({{"prompt", "x"}}), IsEmpty());
  EXPECT_THAT(beyond({{"prompt", "x"}, {"style", "base"}}, "text.enhance"),
              IsEmpty());
  EXPECT_EQ(beyond({{"prompt", "x"}}, "text.enhance").at(0).path,
            "params.style");
}

TEST_F(TextLimitsTest, WhatTheKindRefusesHidesNothing) {
  const auto faults = beyond({{"prompt", 5},
                              {"n", 99},
                              {"unknown", 1},
                              {"logit_bias", {{"x", 1}}},
                              {"max_tokens", 500}});
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].path, "params.max_tokens");
}

TEST_F(TextRequestTest, RefusesParamsOfAnotherKind) {
  EXPECT_THAT(resolve({{"text", "x"}}).error().message, HasSubstr("text"));
  EXPECT_FALSE(resolve({{"prompt", 5}}));
  EXPECT_FALSE(resolve_text_request({"text.generate", "no json"}, model(),
                                    {.sequence = 9, .pages = 1}));
}

}  // namespace
}  // namespace troupe
