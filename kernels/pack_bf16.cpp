// Weights that are stored as bf16, packed without going through fp32: loading
// them must keep up with a disk.
#include <cstring>
#include <vector>

#include "kernels/numbers.hpp"
#include "kernels/packed.hpp"

namespace troupe::kernels {
namespace {

using Pairs = std::uint32_t __attribute__((vector_size(16)));
using Halves = std::uint16_t __attribute__((vector_size(16)));

constexpr std::int64_t kPairs = 4;  // In a vector.
constexpr std::uint16_t kExponentStep = 0x80;

// Infinite, or no number, is what reaches the bit of the sign when its exponent
// goes up by one.
std::uint16_t raised(std::uint16_t x) {
  return static_cast<std::uint16_t>((x & 0x7fff) + kExponentStep);
}

// All that were raised, together.
struct SeenHalves {
  Halves halves{};
  std::uint16_t rest = 0;

  bool all_finite() const {
    std::uint16_t all = rest;
    for (std::size_t i = 0; i < sizeof halves / sizeof halves[0]; ++i)
      all |= halves[i];
    return all < 0x8000;
  }
};

Pairs pairs_at(const std::uint16_t* from, SeenHalves& seen) {
  Halves x;
  std::memcpy(&x, from, sizeof x);
  seen.halves |= (x & 0x7fff) + kExponentStep;
  return (Pairs)x;
}

// kPairs pairs of inputs of four outputs: a square that is turned over.
void turn_four(std::uint16_t* to, const std::uint16_t* rows,
               std::int64_t inputs, SeenHalves& seen) {
  const auto a = pairs_at(rows, seen);
  const auto b = pairs_at(rows + inputs, seen);
  const auto c = pairs_at(rows + 2 * inputs, seen);
  const auto d = pairs_at(rows + 3 * inputs, seen);
  const auto ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const auto cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const auto more_ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const auto more_cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  const Pairs turned[kPairs] = {
      __builtin_shufflevector(ab, cd, 0, 1, 4, 5),
      __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
      __builtin_shufflevector(more_ab, more_cd, 0, 1, 4, 5),
      __builtin_shufflevector(more_ab, more_cd, 2, 3, 6, 7)};
  for (std::int64_t i = 0; i < kPairs; ++i)
    std::memcpy(to + i * kPanelOutputs * 2, &turned[i], sizeof turned[i]);
}

// `rows`: kPanelOutputs of them. False: a number is not finite.
bool pack_panel(std::uint16_t* to, const std::uint16_t* rows,
                std::int64_t inputs) {
  SeenHalves seen;
  const auto put = [&seen](std::uint16_t x) {
    seen.rest |= raised(x);
    return x;
  };
  const auto whole = inputs / (kPairs * 2) * (kPairs * 2);
  for (std::int64_t k = 0; k < whole; k += kPairs * 2)
    for (std::int64_t lane = 0; lane < kPanelOutputs; lane += 4)
      turn_four(to + k * kPanelOutputs + lane * 2, rows + lane * inputs + k,
                inputs, seen);
  for (auto k = whole; k < inputs; k += 2)
    for (std::int64_t lane = 0; lane < kPanelOutputs; ++lane) {
      auto* pair = to + k * kPanelOutputs + lane * 2;
      pair[0] = put(rows[lane * inputs + k]);
      pair[1] =
          k + 1 < inputs ? put(rows[lane * inputs + k + 1]) : std::uint16_t{0};
    }
  return seen.all_finite();
}

}  // namespace

bool pack_bf16_rows(const PackedWeight& weight, std::int64_t first,
                    std::span<const std::uint16_t> rows) {
  const auto inputs = weight.inputs;
  const auto count =
      inputs == 0 ? 0 : static_cast<std::int64_t>(rows.size()) / inputs;
  TROUPE_ASSERT(weight.format == WeightFormat::bf16);
  auto row = std::int64_t{0};
  std::vector<float> wide;
  bool finite = true;
  while (row < count) {
    const bool panel = weight.layout == WeightLayout::panels &&
                       (first + row) % kPanelOutputs == 0 &&
                       count - row >= kPanelOutputs;
    const auto taken = panel ? kPanelOutputs : 1;
    const auto* from = rows.data() + row * inputs;
    if (panel) {
      auto* to = static_cast<std::byte*>(weight.data) +
                 packed_bytes(weight.format, first + row, inputs);
      if (!pack_panel(reinterpret_cast<std::uint16_t*>(to), from, inputs))
        finite = false;
    } else {
      wide.resize(static_cast<std::size_t>(inputs));
      bf16_to_f32({from, wide.size()}, wide);
      if (!pack_rows(weight, first + row, wide)) finite = false;
    }
    row += taken;
  }
  return finite;
}

}  // namespace troupe::kernels
