// What requests get from an engine, alone and beside others.
#include "models/qwen2/engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/build_info.hpp"
#include "core/live.hpp"
#include "tests/models/text_model.hpp"

namespace troupe {
namespace {

using kernels::WeightFormat;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Qwen2EngineTest : public ::testing::Test {
 protected:
  TextModelFolder folder_;
  TextBench bench_{folder_};

  /// Sampled, so that a wrong draw shows.
  static Json sampled(const std::string& prompt, int seed, int tokens = 24) {
    return {
        {"prompt", prompt},          {"temperature", 1.0}, {"seed", seed},
        {"max_tokens", tokens},      {"ignore_eos", true}, {"return_ids", true},
        {"repetition_penalty", 1.1}, {"top_k", 200}};
  }
  static std::string long_prompt() {
    std::string text;
    for (int i = 0; i < 40; ++i) text += "word " + std::to_string(i) + ", ";
    return text;
  }
};

// Everything but what a clock says.
Json without_timing(Json result) {
  result.erase("timing");
  return result;
}

// What the forward pass and the sampling op give, one token after the other.
std::vector<TokenId> by_hand(TextBench& bench, const TextModelFolder& folder,
                             std::vector<TokenId> ids,
                             kernels::SamplingRow way) {
  auto loader = Qwen2WeightLoader::open(folder.path());
  while (!loader->step()->done()) continue;
  const auto weights = loader->take();
  auto cache = KvCache::make(bench.plan().cache);
  auto forward = Qwen2Forward::make(bench.ctx, weights, bench.plan().limits);
  const auto sequence = cache->open(200);
  std::vector<TokenId> generated;
  for (std::size_t at = 0; generated.size() < 20; ++at) {
    const StepRow row{ids[at], *sequence, static_cast<std::int32_t>(at), true};
    const auto logits = forward->step(std::span{&row, 1}, *cache);
    if (at + 1 < ids.size()) continue;
    way.position = static_cast<std::uint32_t>(generated.size());
    TokenId id = 0;
    EXPECT_TRUE(kernels::sampling(
        bench.ctx, {.tokens = vector_ref(&id, 1),
                    .logits = matrix_ref(logits->data(), 1, 1536),
                    .vocabulary = 1522,
                    .rows = &way}));
    generated.push_back(id);
    ids.push_back(id);
  }
  return generated;
}

TEST_F(Qwen2EngineTest, WritesWhatForwardPassAndSamplingSay) {
  for (const float temperature : {0.f, 1.5f}) {
    const auto result = bench_.answer({{"prompt", "hello there"},
                                       {"temperature", temperature},
                                       {"seed", 77},
                                       {"max_tokens", 20},
                                       {"ignore_eos", true},
                                       {"return_ids", true}});
    const auto expected = by_hand(
        bench_, folder_, result["prompt_ids"].get<std::vector<TokenId>>(),
        {.temperature = temperature, .seed = 77});
    EXPECT_EQ(result["ids"].get<std::vector<TokenId>>(), expected);
    const auto config = load_qwen2_config(folder_.path());
    const auto text = load_qwen2_text(folder_.path(), &*config);
    EXPECT_EQ(result["text"],
              *text->tokenizer.decode(expected, SpecialTokens::skip));
  }
}

TEST_F(Qwen2EngineTest, StreamsTheResultsTextInAscendingPieces) {
  const auto run = bench_.admit(sampled("hello", 3, 60));
  const auto result = bench_.finish(run);
  EXPECT_EQ(bench_.streamed(run), result["text"]);
  std::uint64_t last = 0;
  for (const auto& piece : bench_.pieces[run]) {
    EXPECT_GT(piece.index, last);
    EXPECT_EQ(piece.mime, "text/plain");
    last = piece.index;
  }
  EXPECT_GT(bench_.pieces[run].size(), 10u);
  EXPECT_LE(last, 60u);
}

TEST_F(Qwen2EngineTest, TellsTimesToTheMicrosecond) {
  bench_.clock.extra_us = 1;
  const auto timing = bench_.answer(sampled("hello", 3))["timing"];
  const auto first_us = timing["first_token_ms"].get<double>() * 1e3;
  EXPECT_NE(std::fmod(std::round(first_us), 1e3), 0) << timing;
}

TEST_F(Qwen2EngineTest, TellsHowFarALongPromptIs) {
  bench_.clock.tick = 100;
  const auto run = bench_.admit(sampled(long_prompt(), 3));
  std::vector<StepProgress> told;
  while (told.empty() || told.back().unit == kPromptUnit)
    for (const auto& event : bench_.engine->step().events)
      if (const auto* progress = std::get_if<StepProgress>(&event.what))
        told.push_back(*progress);
  ASSERT_GE(told.size(), 3u);
  EXPECT_GT(told[1].done, told[0].done);
  EXPECT_EQ(told.back().done, 1) << "the answer begins anew";
  const auto result = bench_.finish(run);
  EXPECT_EQ(told[0].total, result["usage"]["prompt_tokens"]);
}

TEST_F(Qwen2EngineTest, SaysWhichArithmeticMadeAResult) {
  EXPECT_EQ(bench_.answer(sampled("hello", 3))["engine"],
            (Json{{"family", "qwen2"},
                  {"version", build_version()},
                  {"isa", to_string(bench_.ctx.isa)},
                  {"dtype", to_string(bench_.plan().format)}}));
}

TEST_F(Qwen2EngineTest, AnEnhancementBeginsWithoutASpaceInItsPiecesToo) {
  const Json params{{"prompt", "a cat"},
                    {"style", "base"},
                    {"temperature", 1.0},
                    {"system", "x"},
                    {"max_tokens", 40}};
  std::string texts;
  for (int seed = 0; seed < 40; ++seed) {
    auto one = params;
    one["seed"] = seed;
    const auto run = bench_.admit(one, "text.enhance");
    const auto text = bench_.finish(run)["text"].get<std::string>();
    EXPECT_EQ(text.find_first_not_of(" \t\r\n"), text.empty() ? text.npos : 0);
    EXPECT_EQ(bench_.streamed(run), text);
    texts += text;
  }
  EXPECT_GT(texts.size(), 100u);
}

TEST_F(Qwen2EngineTest, StreamsNothingWhereNotAskedTo) {
  auto params = sampled("hello", 3);
  params["stream"] = false;
  const auto run = bench_.admit(params);
  EXPECT_NE(bench_.finish(run)["text"], "");
  EXPECT_TRUE(bench_.pieces[run].empty());
}

TEST_F(Qwen2EngineTest, SaysWhatWasUsedAndHowLongItTook) {
  const auto result = bench_.answer(sampled("hello there", 3, 9));
  EXPECT_EQ(result["finish_reason"], "length");
  EXPECT_EQ(result["seed"], 3);
  EXPECT_EQ(result["usage"]["completion_tokens"], 9);
  EXPECT_EQ(result["usage"]["prompt_tokens"], result["prompt_ids"].size());
  EXPECT_GT(result["timing"]["first_token_ms"], 0);
  EXPECT_GT(result["timing"]["tokens_per_s"], 0);
  EXPECT_FALSE(result.contains("choices"));
}

TEST_F(Qwen2EngineTest, NamesTheModelWhereItsHashIsKnown) {
  const auto params = dump_json({{"prompt", "hello"}, {"max_tokens", 2}});
  const auto named = bench_.engine->admit({"text.generate", params, "ab12"});
  ASSERT_TRUE(named);
  EXPECT_EQ(bench_.finish(*named)["model_hash"], "ab12");
  const auto unknown = bench_.engine->admit({"text.generate", params});
  ASSERT_TRUE(unknown);
  EXPECT_FALSE(bench_.finish(*unknown).contains("model_hash"));
}

TEST_F(Qwen2EngineTest, GivesTheSameAnswerBesideOthersThatJoinAndLeave) {
  const auto alone = without_timing(bench_.answer(sampled("a b c", 5, 40)));
  TextBench other{folder_};
  other.admit(sampled("something else", 1, 7));
  for (int i = 0; i < 3; ++i) other.step();
  const auto run = other.admit(sampled("a b c", 5, 40));
  other.admit(sampled(long_prompt(), 2, 5));
  for (int i = 0; i < 10; ++i) other.step();
  const auto gone = other.admit(sampled("to be cancelled", 9, 90));
  for (int i = 0; i < 5; ++i) other.step();
  other.engine->cancel(gone);
  EXPECT_EQ(without_timing(other.finish(run)), alone);
  EXPECT_FALSE(other.results.contains(gone));
}

TEST_F(Qwen2EngineTest, GivesAnotherAnswerToAnotherSeed) {
  EXPECT_NE(bench_.answer(sampled("a b c", 5))["ids"],
            bench_.answer(sampled("a b c", 6))["ids"]);
}

TEST_F(Qwen2EngineTest, ComputesASharedBeginningOnce) {
  const auto rows = [&](const std::string& prompt) {
    const auto before = bench_.engine->rows_computed();
    bench_.answer(sampled(prompt, 4, 1));
    return bench_.engine->rows_computed() - before;
  };
  EXPECT_GT(rows(long_prompt()), 150);
  EXPECT_LE(rows(long_prompt()), 16);
  EXPECT_LE(rows(long_prompt() + " and more"), 24);
  EXPECT_GT(rows("x" + long_prompt()), 150);
}

TEST_F(Qwen2EngineTest, GivesTheSameAnswerFromASharedBeginning) {
  const auto params = sampled(long_prompt(), 8, 30);
  const auto cold = without_timing(bench_.answer(params));
  EXPECT_EQ(without_timing(bench_.answer(params)), cold);
  // A conversation goes on: its own answer is part of the beginning.
  auto more =
      sampled(long_prompt() + cold["text"].get<std::string>() + " so", 8, 30);
  const auto warm = without_timing(bench_.answer(more));
  TextBench fresh{folder_};
  EXPECT_EQ(without_timing(fresh.answer(more)), warm);
}

TEST_F(Qwen2EngineTest, LetsALongPromptStallNobody) {
  bench_.clock.tick = 4000;
  const auto run = bench_.admit(sampled("hello", 3, 6));
  bench_.step();
  // The prompt takes many steps, of a page each.
  const auto slow = bench_.admit(sampled(long_prompt(), 4, 1));
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(bench_.results.contains(run));
    bench_.step();
  }
  EXPECT_TRUE(bench_.results.contains(run)) << "a token in every step";
  EXPECT_FALSE(bench_.results.contains(slow));
  bench_.finish(slow);
}

TEST_F(Qwen2EngineTest, ComputesThePromptOfSeveralAnswersOnce) {
  auto params = sampled(long_prompt(), 11, 1);
  params["n"] = 8;
  const auto result = bench_.answer(params);
  const auto prompt = static_cast<std::int64_t>(result["prompt_ids"].size());
  ASSERT_GT(prompt, 150);
  // Each but the first computes what is left of the last page.
  EXPECT_EQ(bench_.engine->rows_computed(),
            prompt + 7 * (1 + (prompt - 1) % kernels::kPageTokens));
}

TEST_F(Qwen2EngineTest, WritesSeveralAnswersEachItsOwn) {
  auto params = sampled(long_prompt(), 11, 20);
  params["n"] = 3;
  const auto run = bench_.admit(params);
  const auto several = bench_.finish(run);
  ASSERT_EQ(several["choices"].size(), 3u);
  EXPECT_EQ(several["usage"]["completion_tokens"], 60);
  EXPECT_NE(several["choices"][0]["ids"], several["choices"][1]["ids"]);
  EXPECT_NE(several["choices"][1]["ids"], several["choices"][2]["ids"]);
  EXPECT_EQ(several["text"], several["choices"][0]["text"]);
  for (std::uint32_t i = 0; i < 3; ++i)
    EXPECT_EQ(bench_.streamed(run, i), several["choices"][i]["text"]);
  // The first is what it is alone.
  TextBench fresh{folder_};
  EXPECT_EQ(fresh.answer(sampled(long_prompt(), 11, 20))["ids"],
            several["choices"][0]["ids"]);
}

// -- ends ---------------------------------------------------------------------

TEST_F(Qwen2EngineTest, EndsAtTheModelsEndAndLeavesItOutOfTheText) {
  auto params = sampled("hello", 3, 30);
  params["logit_bias"] = {{std::to_string(kEndToken), 100}};
  params["ignore_eos"] = false;
  const auto ended = bench_.answer(params);
  EXPECT_EQ(ended["finish_reason"], "stop");
  EXPECT_THAT(ended["ids"], ElementsAre(kEndToken));
  EXPECT_EQ(ended["text"], "");
  params["ignore_eos"] = true;
  params["repetition_penalty"] = 1.0;
  const auto ignored = bench_.answer(params);
  EXPECT_EQ(ignored["finish_reason"], "length");
  EXPECT_EQ(ignored["ids"].size(), 30u);
}

TEST_F(Qwen2EngineTest, EndsBeforeAStopString) {
  const auto params = sampled("hello", 3, 60);
  const auto whole = bench_.answer(params)["text"].get<std::string>();
  ASSERT_GT(whole.size(), 30u);
  auto stop = whole.substr(20, 6);
  while (!stop.empty() && (stop[0] & 0xC0) == 0x80) stop.erase(0, 1);
  const auto cut = whole.find(stop);
  auto stopping = params;
  stopping["stop"] = {"never in it \x01", stop};
  const auto run = bench_.admit(stopping);
  const auto result = bench_.finish(run);
  EXPECT_EQ(result["finish_reason"], "stop");
  EXPECT_EQ(result["text"], whole.substr(0, cut));
  EXPECT_EQ(bench_.streamed(run), whole.substr(0, cut));
}

TEST_F(Qwen2EngineTest, TellsHowLikelyItsTokensWere) {
  auto params = sampled("hello", 3, 4);
  params["logprobs"] = 3;
  const auto result = bench_.answer(params);
  ASSERT_EQ(result["logprobs"].size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto& step = result["logprobs"][i];
    EXPECT_EQ(step["id"], result["ids"][i]);
    EXPECT_LT(step["logprob"], 0);
    ASSERT_EQ(step["best"].size(), 3u);
    EXPECT_GE(step["best"][0]["logprob"], step["best"][1]["logprob"]);
    EXPECT_GE(step["best"][0]["logprob"], step["logprob"]);
  }
}

// -- room ---------------------------------------------------------------------

TEST_F(Qwen2EngineTest, RefusesWhatHasNoRoomNowAndTakesItLater) {
  std::vector<RunId> runs;
  for (std::int64_t i = 0; i < kEngineSequences; ++i)
    runs.push_back(bench_.admit(sampled("hello", 1, 3)));
  const auto full = bench_.try_admit(sampled("hello", 1, 3));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::out_of_memory);
  EXPECT_THAT(full.error().message, HasSubstr("all 16 sequences"));
  bench_.finish(runs.back());
  EXPECT_TRUE(bench_.try_admit(sampled("hello", 1, 3)));
}

TEST_F(Qwen2EngineTest, GivesBackWhatACancelledRunHeld) {
  const auto free = [&] {  // How many runs fit beside what is there.
    std::vector<RunId> runs;
    while (auto run = bench_.try_admit(sampled("x", 1, 300)))
      runs.push_back(*run);
    for (const auto run : runs) bench_.engine->cancel(run);
    return runs.size();
  };
  const auto all = free();
  ASSERT_GT(all, 2u);
  auto params = sampled("hello", 1, 100);
  params["n"] = 2;
  const auto run = bench_.admit(params);
  bench_.step();
  EXPECT_EQ(free(), all - 2);
  bench_.engine->cancel(run);
  bench_.engine->cancel(run);
  bench_.engine->cancel(12'345);
  EXPECT_EQ(free(), all);
  EXPECT_TRUE(bench_.engine->step().events.empty());
}

TEST_F(Qwen2EngineTest, RefusesWhatWillNeverFitWithTheFigure) {
  const auto many = bench_.try_admit(sampled("hello", 1, 600));
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, Errc::invalid_argument);
  EXPECT_THAT(many.error().message, HasSubstr("params.max_tokens is 600"));
  EXPECT_THAT(many.error().message, HasSubstr("room for 512 together"));
}

TEST_F(Qwen2EngineTest, GivesADefaultLengthThatFits) {
  auto params = sampled(long_prompt(), 1);
  params.erase("max_tokens");
  const auto result = bench_.answer(params);
  EXPECT_EQ(result["ids"].size() + result["prompt_ids"].size(), 512u);
}

// -- trouble ------------------------------------------------------------------

TEST_F(Qwen2EngineTest, GoesOnAfterAStoppedStepAsIfNothingHadHappened) {
  const auto undisturbed = without_timing(bench_.answer(sampled("abc", 5)));
  TextBench other{folder_};
  std::atomic<bool> stop{false};
  other.ctx.stop = &stop;
  const auto run = other.admit(sampled("abc", 5));
  for (int i = 0; i < 200 && !other.results.contains(run); ++i) {
    stop = i % 2 == 0;
    other.step();
  }
  EXPECT_EQ(without_timing(other.results[run]), undisturbed);
}

TEST_F(Qwen2EngineTest, FailsRunsOfBrokenWeightsByName) {
  TextModelFolder broken;
  broken.tiny.tensors["model.norm.weight"].values[3] = 3e38f;
  broken.tiny.write(broken.path());
  for (const auto format : {WeightFormat::f32, WeightFormat::bf16}) {
    TextBench bench{broken, format};
    const auto run = bench.admit(sampled("hello", 1));
    for (int i = 0; i < 5; ++i) bench.step();
    ASSERT_TRUE(bench.errors.contains(run));
    EXPECT_EQ(bench.errors[run].code, Errc::corrupt);
    const auto& why = bench.errors[run].message;
    const auto name = broken.path().filename().string();
    EXPECT_THAT(why, HasSubstr("the model " + name + " gave a logit"));
    EXPECT_THAT(why, HasSubstr(std::string(to_string(format)) +
                               "; to find the tensor, type: troupe models "
                               "check " +
                               name));
    EXPECT_EQ(why.find("dtype=f32") == why.npos, format == WeightFormat::f32);
    EXPECT_TRUE(bench.engine->step().events.empty());
  }
}

// Column 0 is 0 for all tokens but one, no layer writes there, and a row of the
// head is so large there that only that token leads to infinity.
TEST_F(Qwen2EngineTest, FailsOnlyTheRunThatBrokenWeightsLeadAstray) {
  TextModelFolder broken;
  auto& tiny = broken.tiny;
  tiny.config["tie_word_embeddings"] = false;
  tiny.add("lm_head.weight", {1536, 64});
  auto& rows = tiny.tensors["model.embed_tokens.weight"].values;
  for (std::size_t row = 0; row < 1536; ++row) rows[row * 64] = 0;
  for (const auto* part : {"self_attn.o_proj", "mlp.down_proj"}) {
    auto& to = tiny.tensors["model.layers.0." + std::string(part) + ".weight"];
    std::fill_n(to.values.begin(), to.shape[1], 0.f);
  }
  tiny.tensors["model.norm.weight"].values[0] = 1;
  tiny.tensors["lm_head.weight"].values[7 * 64] = 3e38f;
  const auto text = *Tokenizer::load(broken.path());
  const auto astray = text.encode("q")->front();
  rows[static_cast<std::size_t>(astray) * 64] = 100;
  tiny.write(broken.path());
  TextBench alone{broken};
  const auto expected = without_timing(alone.answer(sampled("abc", 5)));
  TextBench bench{broken};
  const auto good = bench.admit(sampled("abc", 5));
  const auto bad = bench.admit(sampled("q", 5));
  EXPECT_EQ(without_timing(bench.finish(good)), expected);
  ASSERT_TRUE(bench.errors.contains(bad));
  EXPECT_THAT(bench.errors[bad].message, HasSubstr("no finite number"));
  EXPECT_FALSE(bench.errors.contains(good));
}

}  // namespace
}  // namespace troupe
