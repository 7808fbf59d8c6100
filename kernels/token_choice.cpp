#include "kernels/token_choice.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "core/result.hpp"

namespace troupe::kernels {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

// Ordered as the numbers are; the two zeros are one.
std::uint32_t key_of(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value + 0.f);
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000;
}

struct Cut {
  std::uint32_t key = 0;
  double above = 0;  // What those with a higher key have.
};

// The digit at which those from the highest on first have `enough` together
// with what is above them; the lowest there is where rounding leaves none.
Cut cross(std::span<const double> has, double above, double enough) {
  Cut at{.above = above};
  for (auto digit = has.size(); digit-- > 0 && above < enough;) {
    if (has[digit] == 0) continue;
    at = {static_cast<std::uint32_t>(digit), above};
    above += has[digit];
  }
  return at;
}

struct Digit {
  int shift;
  int bits;
};

// The key at which those from the highest on first have `enough` together, by
// histograms of the keys' digits: three passes over the values, no sorting.
template <class Weight>
Cut find_cut(std::span<const float> values, double enough,
             const Weight& weight_of) {
  Cut cut;
  for (const auto [shift, bits] :
       {Digit{21, 11}, Digit{10, 11}, Digit{0, 10}}) {
    std::array<double, 2048> has{};
    const int higher = shift + bits;
    for (const auto value : values) {
      const auto key = key_of(value);
      if (higher < 32 && key >> higher != cut.key >> higher) continue;
      has[key >> shift & ((1u << bits) - 1)] += weight_of(value);
    }
    const auto at = cross(has, cut.above, enough);
    cut = {cut.key | at.key << shift, at.above};
  }
  return cut;
}

}  // namespace

void adjust_logits(std::span<float> logits, const SamplingRow& row) {
  const auto at = [&](std::int32_t id) -> float& {
    TROUPE_ASSERT(id >= 0 && id < std::ssize(logits));
    return logits[static_cast<std::size_t>(id)];
  };
  for (std::int32_t i = 0; i < row.bias_count; ++i)
    at(row.biases[i].id) += row.biases[i].bias;
  for (std::int32_t i = 0; i < row.seen_count; ++i) {
    const auto& seen = row.seen[i];
    auto& z = at(seen.id);
    z = z < 0 ? z * row.repetition_penalty : z / row.repetition_penalty;
    if (seen.generated == 0) continue;
    z -= row.frequency_penalty * static_cast<float>(seen.generated);
    z -= row.presence_penalty;
  }
}

TokenChoice::TokenChoice(const Level& level, std::span<float> logits)
    : level_{&level}, values_{logits.data()}, size_{std::ssize(logits)} {
  TROUPE_ASSERT(size_ >= 1);
  const auto least = (size_ + kMaxBlocks - 1) / kMaxBlocks;
  block_ = (least + kLanes - 1) / kLanes * kLanes;
  peak_.max = kMinusInfinity;
  for (std::int64_t i = 0; i < blocks(); ++i) {
    const auto part = block(i);
    const auto peak = level_->peak(part.data(), std::ssize(part));
    of_block_[static_cast<std::size_t>(i)] = peak.max;
    peak_.max = std::max(peak_.max, peak.max);
    peak_.zero += peak.zero;
  }
}

std::span<float> TokenChoice::block(std::int64_t index) const {
  const auto first = index * block_;
  return {values_ + first,
          static_cast<std::size_t>(std::min(block_, size_ - first))};
}

std::int32_t TokenChoice::likeliest() const {
  const auto* highest =
      std::find(of_block_.begin(), of_block_.begin() + blocks(), peak_.max);
  const auto first = (highest - of_block_.begin()) * block_;
  const auto* at = std::find(values_ + first, values_ + size_, peak_.max);
  return static_cast<std::int32_t>(at - values_);
}

// Moves what is at least `least` to the front, with its ids; false, and nothing
// was done, where that is too much.
bool TokenChoice::gather(float least) {
  const auto is_enough = [&](float value) { return value >= least; };
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < blocks(); ++i)
    if (is_enough(of_block_[static_cast<std::size_t>(i)]))
      count += std::ranges::count_if(block(i), is_enough);
  if (count > kMaxCandidates) return false;
  std::int64_t to = 0;
  for (std::int64_t i = 0; i < blocks(); ++i) {
    if (!is_enough(of_block_[static_cast<std::size_t>(i)])) continue;
    for (auto& value : block(i)) {
      if (!is_enough(value)) continue;
      ids_[static_cast<std::size_t>(to)] =
          static_cast<std::int32_t>(&value - values_);
      values_[to++] = value;
    }
  }
  gathered_ = true;
  size_ = to;
  return true;
}

void TokenChoice::keep_highest(std::int64_t k) {
  if (k <= 0 || k >= size_) return;
  // The k-th highest block has its like among the k highest values: whatever
  // is lower is none of them.
  float least = kMinusInfinity;
  if (k <= blocks()) {
    auto highest = of_block_;
    const auto kth = highest.begin() + (k - 1);
    std::nth_element(highest.begin(), kth, highest.begin() + blocks(),
                     std::greater<>{});
    least = *kth;
  }
  gather(least);
  const std::span<float> all{values_, static_cast<std::size_t>(size_)};
  const auto cut =
      find_cut(all, static_cast<double>(k), [](float) { return 1.0; });
  if (gathered_) {
    std::int64_t to = 0;
    for (std::int64_t i = 0; i < size_; ++i) {
      if (key_of(values_[i]) < cut.key) continue;
      ids_[static_cast<std::size_t>(to)] = ids_[static_cast<std::size_t>(i)];
      values_[to++] = values_[i];
    }
    size_ = to;
    return;
  }
  for (auto& value : all)
    if (key_of(value) < cut.key) value = kMinusInfinity;
}

void TokenChoice::sum() {
  total_ = 0;
  for (std::int64_t i = 0; i < blocks(); ++i) {
    const auto part = block(i);
    auto& sum = of_block_[static_cast<std::size_t>(i)];
    sum = level_->sum(part.data(), std::ssize(part));
    total_ += double{sum};
  }
}

void TokenChoice::keep_likeliest(double p) {
  const std::span<float> all{values_, static_cast<std::size_t>(size_)};
  const auto enough = p * total_;
  const auto cut =
      find_cut(all, enough, [](float weight) { return double{weight}; });
  // Of those that are equally likely the lowest ids, while there is room.
  auto before = cut.above;
  for (auto& weight : all) {
    const auto key = key_of(weight);
    if (key > cut.key) continue;
    if (key < cut.key || before >= enough) {
      weight = 0;
      continue;
    }
    before += double{weight};
  }
}

void TokenChoice::keep_at_least(float least) {
  for (std::int64_t i = 0; i < size_; ++i)
    if (values_[i] < least) values_[i] = 0;
}

void TokenChoice::filter(const SamplingRow& row) {
  keep_highest(row.top_k);
  level_->soften({.weights = values_,
                  .x = values_,
                  .n = size_,
                  .max = peak_.max,
                  .temperature = row.temperature});
  sum();
  if (row.top_p < 1) keep_likeliest(double{row.top_p});
  if (row.min_p > 0) keep_at_least(row.min_p);
  if (row.top_p < 1 || row.min_p > 0) sum();
}

std::int32_t TokenChoice::draw(double u) const {
  const auto until = u * total_;
  double before = 0, sum = 0;
  std::int64_t here = 0;  // The last block with a weight, should none reach it.
  for (std::int64_t i = 0; i < blocks() && sum <= until; ++i) {
    const double of_block = of_block_[static_cast<std::size_t>(i)];
    if (of_block == 0) continue;
    here = i;
    before = sum;
    sum += of_block;
  }
  const auto part = block(here);
  std::size_t at = 0;
  for (std::size_t i = 0; i < part.size() && before <= until; ++i) {
    if (part[i] == 0) continue;
    at = i;
    before += double{part[i]};
  }
  return id_at(here * block_ + static_cast<std::int64_t>(at));
}

float TokenChoice::weight_of(std::int32_t id) const {
  if (!gathered_) return values_[id];
  const auto* end = ids_.data() + size_;
  const auto* at = std::lower_bound(ids_.data(), end, id);
  return at == end || *at != id ? 0 : values_[at - ids_.data()];
}

}  // namespace troupe::kernels
