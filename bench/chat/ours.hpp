// Our side: a model folder behind the product's engine, and its logits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <vector>

#include "kernels/packed.hpp"
#include "models/qwen2/engine.hpp"
#include "models/qwen2/weight_loader.hpp"

namespace troupe::bench {

enum class Clock : std::uint8_t { wall = 1, cpu };  // cpu: the process's.

class OurModel {
 public:
  /// `ctx` outlives it. Throws std::runtime_error where the folder is no
  /// model.
  OurModel(const std::filesystem::path& folder, kernels::WeightFormat format,
           Context& ctx, Clock clock);

  /// Tokens a second of `sequences` answers of `steps` tokens after prompts of
  /// `prompt`, from where all prompts are computed.
  double decode(int sequences, int prompt, int steps);
  /// Tokens a second of a prompt, up to its answer's first token.
  double prefill(int tokens);

 private:
  void admit(int prompt, int max_tokens);
  Qwen2Engine& engine() { return dynamic_cast<Qwen2Engine&>(*engine_); }

  Clock clock_;
  std::unique_ptr<Engine> engine_;
  std::mt19937 random_{1};  // No prompt begins as one before: none is shared.
};

/// [ids, vocabulary rows], in one step.
std::vector<float> our_logits(const std::filesystem::path& folder,
                              kernels::WeightFormat format, Context& ctx,
                              const std::vector<TokenId>& ids);

}  // namespace troupe::bench
