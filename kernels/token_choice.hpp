// The steps of sampling one row on the CPU, apart, so that each can be held to
// the truth: what sampling.hpp says, in passes over the row and without sorting
// it. Allocates nothing.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernels/cpu/level.hpp"
#include "kernels/sampling.hpp"

namespace troupe::kernels {

/// Applies bias and penalties.
void adjust_logits(std::span<float> logits, const SamplingRow& row);

/// What choosing a token needs beside the logits: some 35 KB, on a stack.
class TokenChoice {
 public:
  /// `logits` are overwritten, and outlive this. REQUIRES: not empty.
  TokenChoice(const Level& level, std::span<float> logits);

  /// All logits are finite numbers.
  bool is_good() const { return peak_.zero == 0; }
  /// REQUIRES: is_good(), filter() was not called. As the next.
  std::int32_t likeliest() const;

  /// Temperature, top-k, top-p, min-p. Once. REQUIRES: temperature > 0.
  void filter(const SamplingRow& row);

  /// `u` of [0, 1). REQUIRES: filter() was called. As the next.
  std::int32_t draw(double u) const;
  /// 0 where a filter took it. Costs a look at each candidate: for tests.
  float weight_of(std::int32_t id) const;

 private:
  static constexpr std::int64_t kMaxBlocks = 2048;
  static constexpr std::int64_t kMaxCandidates = 4096;

  std::int64_t blocks() const { return (size_ + block_ - 1) / block_; }
  std::span<float> block(std::int64_t index) const;
  void keep_highest(std::int64_t k);
  bool gather(float least);
  void keep_likeliest(double p);
  void keep_at_least(float weight);
  void sum();
  std::int32_t id_at(std::int64_t index) const {
    return gathered_ ? ids_[static_cast<std::size_t>(index)]
                     : static_cast<std::int32_t>(index);
  }

  const Level* level_;
  float* values_;  // Logits, then weights; the candidates' where gathered.
  std::int64_t size_;
  std::int64_t block_;  // A multiple of 16.
  Peak peak_;
  bool gathered_ = false;
  double total_ = 0;
  std::array<float, kMaxBlocks> of_block_;  // Highest, then sum.
  std::array<std::int32_t, kMaxCandidates> ids_;
};

}  // namespace troupe::kernels
