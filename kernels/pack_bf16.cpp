// Weights that are stored as bf16, packed without going through fp32: loading
// them must keep up with a disk.
#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/numbers.hpp"
#include "kernels/packed.hpp"

namespace troupe::kernels {
namespace {

// Pairs of inputs at a time, of all outputs of a panel: 4 KiB.
constexpr std::int64_t kPairs = 64;

// As f32_to_bf16() does with what bf16_to_f32() gave: NaN becomes a quiet one.
std::uint16_t quiet(std::uint16_t x) {
  return static_cast<std::uint16_t>(x | ((x & 0x7fff) > 0x7f80 ? 0x40 : 0));
}

// `rows`: kPanelOutputs of them.
void pack_panel(std::uint16_t* to, const std::uint16_t* rows,
                std::int64_t inputs) {
  const auto whole = inputs / 2;
  for (std::int64_t pair = 0; pair < whole; pair += kPairs) {
    const auto count = std::min(kPairs, whole - pair);
    auto* tile = to + pair * kPanelOutputs * 2;
    for (std::int64_t lane = 0; lane < kPanelOutputs; ++lane) {
      const auto* from = rows + lane * inputs + pair * 2;
      for (std::int64_t i = 0; i < count; ++i)
        std::memcpy(tile + (i * kPanelOutputs + lane) * 2, from + i * 2, 4);
    }
    for (std::int64_t i = 0; i < count * kPanelOutputs * 2; ++i)
      tile[i] = quiet(tile[i]);
  }
  if (inputs % 2 == 0) return;
  for (std::int64_t lane = 0; lane < kPanelOutputs; ++lane) {
    auto* last = to + (whole * kPanelOutputs + lane) * 2;
    last[0] = quiet(rows[lane * inputs + inputs - 1]);
    last[1] = 0;
  }
}

}  // namespace

void pack_bf16_rows(const PackedWeight& weight, std::int64_t first,
                    std::span<const std::uint16_t> rows) {
  const auto inputs = weight.inputs;
  const auto count =
      inputs == 0 ? 0 : static_cast<std::int64_t>(rows.size()) / inputs;
  TROUPE_ASSERT(weight.format == WeightFormat::bf16);
  auto row = std::int64_t{0};
  std::vector<float> wide;
  while (row < count) {
    const bool panel = weight.layout == WeightLayout::panels &&
                       (first + row) % kPanelOutputs == 0 &&
                       count - row >= kPanelOutputs;
    const auto taken = panel ? kPanelOutputs : 1;
    const auto* from = rows.data() + row * inputs;
    if (panel) {
      auto* to = static_cast<std::byte*>(weight.data) +
                 packed_bytes(weight.format, first + row, inputs);
      pack_panel(reinterpret_cast<std::uint16_t*>(to), from, inputs);
    } else {
      wide.resize(static_cast<std::size_t>(inputs));
      bf16_to_f32({from, wide.size()}, wide);
      pack_rows(weight, first + row, wide);
    }
    row += taken;
  }
}

}  // namespace troupe::kernels
