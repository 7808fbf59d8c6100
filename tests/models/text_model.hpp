// A small model that writes: random weights behind the golden tokenizer. What
// it says has no sense, but is always the same.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "codec/json.hpp"
#include "models/qwen2/engine.hpp"
#include "models/qwen2/weight_loader.hpp"
#include "tests/models/golden.hpp"
#include "tests/models/tiny_qwen2.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {

inline constexpr TokenId kEndToken = 1502;  // <|im_end|>

/// A folder with all that a chat model has.
class TextModelFolder {
 public:
  /// In a folder of the test's own.
  TextModelFolder() : own_{std::in_place}, dir_{own_->path()} { fill(); }
  explicit TextModelFolder(std::filesystem::path dir) : dir_{std::move(dir)} {
    std::filesystem::create_directories(dir_);
    fill();
  }
  void add(const std::string& name, std::string_view bytes) {
    write_bytes(dir_ / name, bytes);
  }
  std::filesystem::path path() const { return dir_; }

  TinyQwen2 tiny;

 private:
  void fill() {
    tiny.config["vocab_size"] = 1536;
    tiny.config["max_position_embeddings"] = 512;
    tiny.config["eos_token_id"] = kEndToken;
    tiny.add("model.embed_tokens.weight", {1536, 64});
    tiny.write(dir_);
    add("tokenizer.json", read_text(kGoldenDir / "tokenizer" / "strings.json"));
    add("chat_template.jinja", read_text(kGoldenDir / "chat_template.jinja"));
  }
  std::optional<platform::TempDir> own_;
  std::filesystem::path dir_;
};

/// Each look at it takes `tick` ms.
class TickingClock : public SteadyClock {
 public:
  SteadyMs now() const override { return now_us() / 1'000; }
  std::int64_t now_us() const override {
    return now_us_ += tick * 1'000 + extra_us;
  }
  SteadyMs tick = 1;
  std::int64_t extra_us = 0;  // Of each.

 private:
  mutable std::int64_t now_us_ = 1'000'000;
};

/// An engine and what its runs gave so far.
class TextBench {
 public:
  explicit TextBench(const TextModelFolder& folder,
                     kernels::WeightFormat format = kernels::WeightFormat::f32,
                     const Context& device = {})
      : TextBench{folder.path(), format, device} {}
  TextBench(const std::filesystem::path& folder, kernels::WeightFormat format,
            const Context& device = {})
      : ctx{device} {
    auto loader = Qwen2WeightLoader::open(folder, format, ctx);
    EXPECT_TRUE(loader) << loader.error().message;
    while (!loader->step()->done()) continue;
    auto plan = plan_qwen2(ctx, loader->config(), loader->format());
    EXPECT_TRUE(plan);
    plan_ = *plan;
    auto text = load_qwen2_text(folder, &loader->config());
    EXPECT_TRUE(text) << text.error().message;
    auto made = Qwen2Engine::make(ctx,
                                  std::make_unique<Qwen2Model>(Qwen2Model{
                                      loader->take(), std::move(*text), *plan,
                                      folder.filename().string()}),
                                  clock);
    EXPECT_TRUE(made);
    engine = std::move(*made);
  }

  Result<RunId> try_admit(const Json& params,
                          const std::string& kind = "text.generate") {
    return engine->admit({kind, dump_json(params)});
  }
  RunId admit(const Json& params, const std::string& kind = "text.generate") {
    const auto run = try_admit(params, kind);
    EXPECT_TRUE(run) << run.error().message;
    return run ? *run : 0;
  }

  void step() {
    for (auto& event : engine->step().events) {
      if (auto* piece = std::get_if<Output>(&event.what))
        pieces[event.run].push_back(std::move(*piece));
      else if (const auto* end = std::get_if<Finished>(&event.what))
        results[event.run] = *parse_json(end->result);
      else if (const auto* error = std::get_if<Error>(&event.what))
        errors[event.run] = *error;
    }
    ++steps;
  }
  /// The run's result; steps until it is there.
  Json finish(RunId run) {
    for (int i = 0; i < 2000 && !results.contains(run); ++i) step();
    EXPECT_TRUE(results.contains(run)) << "it never ended";
    return results[run];
  }
  Json answer(const Json& params, const std::string& kind = "text.generate") {
    return finish(admit(params, kind));
  }
  std::string streamed(RunId run, std::uint32_t choice = 0) {
    std::string text;
    for (const auto& piece : pieces[run])
      if (piece.choice == choice) text += piece.bytes;
    return text;
  }
  const Qwen2Plan& plan() const { return plan_; }

  Context ctx;
  TickingClock clock;
  std::unique_ptr<Qwen2Engine> engine;
  std::map<RunId, std::vector<Output>> pieces;
  std::map<RunId, Json> results;
  std::map<RunId, Error> errors;
  int steps = 0;

 private:
  Qwen2Plan plan_;
};

}  // namespace troupe
