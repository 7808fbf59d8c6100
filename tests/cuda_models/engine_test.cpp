// What requests get from an engine on a device: the text that the CPU writes.
#include "models/qwen2/engine.hpp"

#include <gtest/gtest.h>

#include "tests/cuda_models/opened_device.hpp"
#include "tests/models/text_model.hpp"

namespace troupe {
namespace {

Json likeliest(const std::string& prompt, int tokens) {
  return {{"prompt", prompt},         {"temperature", 0.0},
          {"max_tokens", tokens},     {"ignore_eos", true},
          {"return_ids", true},       {"stream", false},
          {"repetition_penalty", 1.3}};
}

class CudaQwen2Engine : public ::testing::Test {
 protected:
  OpenedDevice device_;
  TextModelFolder folder_;
  TextBench there_{folder_, kernels::WeightFormat::f32, device_.context()};
  TextBench here_{folder_};
};

// Three that join one after the other: steps of one, two and three answers,
// chunks of prompts beside answers, lists of seen tokens and biases.
TEST_F(CudaQwen2Engine, WritesTheTextOfTheCpu) {
  auto biased = likeliest("hello", 4);
  biased["logit_bias"] = {{"17", 100.0}, {"23", 99.0}};
  const std::vector<Json> requests{likeliest("hello there", 5), biased,
                                   likeliest("one two three four five", 3)};
  std::vector<RunId> runs;
  for (const auto& request : requests) {
    runs.push_back(there_.admit(request));
    there_.step();
    there_.step();
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto expected = here_.answer(requests[i]);
    const auto result = there_.finish(runs[i]);
    EXPECT_EQ(result["ids"], expected["ids"]) << i;
    EXPECT_EQ(result["text"], expected["text"]);
    EXPECT_EQ(result["prompt_ids"], expected["prompt_ids"]);
  }
  EXPECT_TRUE(there_.errors.empty());
  EXPECT_EQ(here_.results.begin()->second["ids"].size(), 5u);
}

TEST_F(CudaQwen2Engine, DrawsTheTokensOfTheCpu) {
  auto request = likeliest("a b c", 2);
  request["temperature"] = 1.0;
  request["seed"] = 11;
  request["top_k"] = 50;
  EXPECT_EQ(there_.answer(request)["ids"], here_.answer(request)["ids"]);
}

TEST_F(CudaQwen2Engine, BringsLogitsOnlyToWhoAsksForLogprobs) {
  auto request = likeliest("hello", 2);
  request["logprobs"] = 3;
  const auto expected = here_.answer(request)["logprobs"];
  const auto logprobs = there_.answer(request)["logprobs"];
  ASSERT_EQ(logprobs.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    ASSERT_EQ(logprobs[i]["best"].size(), 3u);
    for (std::size_t j = 0; j < 3; ++j) {
      EXPECT_EQ(logprobs[i]["best"][j]["id"], expected[i]["best"][j]["id"]);
      EXPECT_NEAR(logprobs[i]["best"][j]["logprob"].get<double>(),
                  expected[i]["best"][j]["logprob"].get<double>(), 1e-3);
    }
  }
}

TEST_F(CudaQwen2Engine, BeginsWithWhatOthersComputed) {
  std::string prompt;
  for (int i = 0; i < 12; ++i) prompt += "word " + std::to_string(i) + ", ";
  const auto first = there_.answer(likeliest(prompt, 2));
  const auto computed = there_.engine->rows_computed();
  const auto again = there_.answer(likeliest(prompt, 2));
  EXPECT_EQ(again["ids"], first["ids"]);
  EXPECT_LE(there_.engine->rows_computed() - computed, 16 + 1);
  EXPECT_GT(first["prompt_ids"].size(), 32u);
}

TEST_F(CudaQwen2Engine, SaysWhichModelHasBrokenWeights) {
  TextModelFolder broken;
  // Numbers that are none the load would refuse; these lead to infinity.
  for (auto& value : broken.tiny.tensors["model.norm.weight"].values)
    value = 3e38f;
  broken.tiny.write(broken.path());
  TextBench bench{broken, kernels::WeightFormat::f32, device_.context()};
  const auto run = bench.admit(likeliest("hello", 2));
  for (int i = 0; i < 4 && bench.errors.empty(); ++i) bench.step();
  ASSERT_TRUE(bench.errors.contains(run));
  EXPECT_EQ(bench.errors[run].code, Errc::corrupt);
  EXPECT_NE(bench.errors[run].message.find("the model " +
                                           broken.path().filename().string()),
            std::string::npos)
      << bench.errors[run].message;
}

}  // namespace
}  // namespace troupe
