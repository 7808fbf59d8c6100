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
    auto text = load_qwen2_text(folder_.path(), *config);
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
  EXPECT_THAT(faults[2].message, HasSubstr("'1522'"));
  EXPECT_THAT(faults[2].message, HasSubstr("ids below 1522"));
  EXPECT_THAT(faults[3].message, HasSubstr("'x'"));
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

TEST_F(TextRequestTest, RefusesParamsOfAnotherKind) {
  EXPECT_THAT(resolve({{"text", "x"}}).error().message, HasSubstr("text"));
  EXPECT_FALSE(resolve({{"prompt", 5}}));
  EXPECT_FALSE(resolve_text_request({"text.generate", "no json"}, model(),
                                    {.sequence = 9, .pages = 1}));
}

}  // namespace
}  // namespace troupe
