#include "kernels/packed.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "kernels/checks.hpp"
#include "kernels/cpu/level.hpp"
#include "kernels/numbers.hpp"

namespace troupe::kernels {
namespace {

static_assert(kPanelOutputs == kLanes && kScaleInputs == kGroupInputs);

constexpr std::int64_t kBlockInputs = 2 * kGroupInputs;
constexpr std::int64_t kScaleBytes = 2 * kLanes * 2;  // Of a block.

struct Codes {
  int bits;
  int zero;  // The code of weight 0.
  int least;
  int most;
};

// Of int8 the code 0 stays unused, so that both signs reach as far.
constexpr Codes kInt8{8, 128, 1, 255};
constexpr Codes kInt4{4, 8, 0, 15};

const Codes& codes_of(WeightFormat format) {
  return format == WeightFormat::int8 ? kInt8 : kInt4;
}

std::int64_t block_bytes(const Codes& codes) {
  return kScaleBytes + kBlockInputs * kLanes * codes.bits / 8;
}

std::int64_t panel_bytes(WeightFormat format, std::int64_t inputs) {
  switch (format) {
    case WeightFormat::f32:
      return inputs * kLanes * 4;
    case WeightFormat::bf16:
      return (inputs + 1) / 2 * kLanes * 4;
    case WeightFormat::int8:
    case WeightFormat::int4:
      break;
  }
  return (inputs + kBlockInputs - 1) / kBlockInputs *
         block_bytes(codes_of(format));
}

std::byte* panel_of(const PackedWeight& weight, std::int64_t output) {
  return static_cast<std::byte*>(weight.data) +
         output / kLanes * panel_bytes(weight.format, weight.inputs);
}

// Infinite, or no number, is what reaches the bit of the sign when its exponent
// goes up by one: asked once, after all were seen, a branch for each would take
// longer than packing them.
class Seen {
 public:
  void f32(float x) {
    bits_ |= (std::bit_cast<std::uint32_t>(x) & 0x7fffffff) + 0x0080'0000;
  }
  void bf16(std::uint16_t x) { bits_ |= ((x & 0x7fffu) + 0x80) << 16; }
  void f16(std::uint16_t x) { bits_ |= ((x & 0x7fffu) + 0x400) << 16; }
  bool all_finite() const { return bits_ < 0x8000'0000; }

 private:
  std::uint32_t bits_ = 0;
};

// -- f32 and bf16 -------------------------------------------------------------

std::int64_t f32_index(std::int64_t lane, std::int64_t input) {
  return input * kLanes + lane;
}

std::int64_t bf16_index(std::int64_t lane, std::int64_t input) {
  return input / 2 * kLanes * 2 + lane * 2 + input % 2;
}

template <class T>
T* numbers_of(const PackedWeight& weight, std::int64_t output) {
  return reinterpret_cast<T*>(panel_of(weight, output));
}

template <class T>
T* row_of(const PackedWeight& weight, std::int64_t output) {
  return static_cast<T*>(weight.data) +
         output * row_stride(weight.format, weight.inputs);
}

bool copy_row(const PackedWeight& weight, std::int64_t output,
              std::span<const float> row) {
  const auto stride =
      static_cast<std::size_t>(row_stride(weight.format, weight.inputs));
  Seen seen;
  if (weight.format == WeightFormat::f32) {
    const std::span to{row_of<float>(weight, output), stride};
    std::ranges::fill(std::ranges::copy(row, to.begin()).out, to.end(), 0.f);
    for (const float x : row) seen.f32(x);
    return seen.all_finite();
  }
  const std::span to{row_of<std::uint16_t>(weight, output), stride};
  f32_to_bf16(row, to.first(row.size()));
  std::ranges::fill(to.subspan(row.size()), std::uint16_t{0});
  for (const auto x : to) seen.bf16(x);
  return seen.all_finite();
}

bool pack_f32(const PackedWeight& weight, std::int64_t output,
              const float* row) {
  auto* to = numbers_of<float>(weight, output);
  Seen seen;
  for (std::int64_t k = 0; k < weight.inputs; ++k) {
    const float value = row == nullptr ? 0.f : row[k];
    seen.f32(value);
    to[f32_index(output % kLanes, k)] = value;
  }
  return seen.all_finite();
}

bool pack_bf16(const PackedWeight& weight, std::int64_t output,
               const float* row) {
  auto* to = numbers_of<std::uint16_t>(weight, output);
  Seen seen;
  for (std::int64_t k = 0; k < (weight.inputs + 1) / 2 * 2; ++k) {
    const auto value = row == nullptr || k >= weight.inputs
                           ? std::uint16_t{0}
                           : f32_to_bf16(row[k]);
    seen.bf16(value);
    to[bf16_index(output % kLanes, k)] = value;
  }
  return seen.all_finite();
}

// -- integers -----------------------------------------------------------------

// Where one output's share of a group of inputs lies.
struct GroupPlace {
  std::uint16_t* scale;
  std::uint8_t* codes;  // Four, then kLanes * 4 further the next four.
};

GroupPlace place_of(const PackedWeight& weight, std::int64_t output,
                    std::int64_t group) {
  const auto& codes = codes_of(weight.format);
  const auto lane = output % kLanes;
  auto* block = panel_of(weight, output) + group / 2 * block_bytes(codes);
  const auto half = group % 2;
  return {reinterpret_cast<std::uint16_t*>(block) + half * kLanes + lane,
          reinterpret_cast<std::uint8_t*>(block) + kScaleBytes +
              half * kGroupInputs * kLanes * codes.bits / 8 + lane * 4};
}

struct Rounded {
  std::uint16_t scale = 0;  // fp16
  std::array<int, kGroupInputs> code;
};

void round_to(Rounded& out, std::span<const float> x, float scale,
              const Codes& codes) {
  out.scale = f32_to_f16(scale);
  const float stored = f16_to_f32(out.scale);
  out.code.fill(codes.zero);
  if (stored == 0.f || !std::isfinite(stored)) return;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float code =
        std::nearbyint(x[i] / stored) + static_cast<float>(codes.zero);
    out.code[i] = static_cast<int>(std::clamp(
        code, static_cast<float>(codes.least), static_cast<float>(codes.most)));
  }
}

// The scale with the least squared error for these codes.
float best_scale(const Rounded& rounded, std::span<const float> x,
                 const Codes& codes) {
  double products = 0;
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double q = rounded.code[i] - codes.zero;
    products += q * x[i];
    squares += q * q;
  }
  return squares == 0 ? f16_to_f32(rounded.scale)
                      : static_cast<float>(products / squares);
}

Rounded round_group(std::span<const float> x, const Codes& codes) {
  float most = 0;
  float sum = 0;  // Not a number where one of them is none.
  for (const float value : x) {
    if (std::abs(value) > std::abs(most)) most = value;
    sum += value * 0.f;
  }
  Rounded rounded;
  if (std::isnan(sum)) {
    rounded.scale = f32_to_f16(std::numeric_limits<float>::quiet_NaN());
    rounded.code.fill(codes.zero);
    return rounded;
  }
  if (codes.bits == 8) {
    round_to(rounded, x, std::abs(most) / 127.f, codes);
    return rounded;
  }
  // The code of the largest magnitude is the one that has no counterpart.
  round_to(rounded, x, most / -8.f, codes);
  rounded.scale = f32_to_f16(best_scale(rounded, x, codes));
  return rounded;
}

void put_group(const PackedWeight& weight, std::int64_t output,
               std::int64_t group, const Rounded& rounded) {
  const auto at = place_of(weight, output, group);
  *at.scale = rounded.scale;
  const bool small = weight.format == WeightFormat::int4;
  for (std::size_t i = 0; i < rounded.code.size(); i += small ? 8 : 4) {
    auto* to =
        at.codes + static_cast<std::int64_t>(i / (small ? 8 : 4)) * kLanes * 4;
    for (std::size_t j = 0; j < 4; ++j)
      to[j] = static_cast<std::uint8_t>(small ? rounded.code[i + j] |
                                                    rounded.code[i + 4 + j] << 4
                                              : rounded.code[i + j]);
  }
}

bool pack_codes(const PackedWeight& weight, std::int64_t output,
                const float* row) {
  const auto& codes = codes_of(weight.format);
  const auto groups = (weight.inputs + kBlockInputs - 1) / kBlockInputs * 2;
  Seen seen;
  for (std::int64_t group = 0; group < groups; ++group) {
    const auto begin = group * kGroupInputs;
    const auto count =
        row == nullptr
            ? 0
            : std::clamp<std::int64_t>(weight.inputs - begin, 0, kGroupInputs);
    const std::span<const float> x =
        count == 0 ? std::span<const float>{}
                   : std::span{row + begin, static_cast<std::size_t>(count)};
    const auto rounded = round_group(x, codes);
    seen.f16(rounded.scale);
    put_group(weight, output, group, rounded);
  }
  return seen.all_finite();
}

float code_at(const PackedWeight& weight, std::int64_t output,
              std::int64_t input) {
  const auto at = place_of(weight, output, input / kGroupInputs);
  const auto i = input % kGroupInputs;
  int code = 0;
  if (weight.format == WeightFormat::int8) {
    code = at.codes[i / 4 * kLanes * 4 + i % 4];
  } else {
    code = at.codes[i / 8 * kLanes * 4 + i % 4];
    code = i % 8 < 4 ? code & 15 : code >> 4;
  }
  return static_cast<float>(code - codes_of(weight.format).zero) *
         f16_to_f32(*at.scale);
}

// `row` null: padding. As pack_rows().
bool pack_row(const PackedWeight& weight, std::int64_t output,
              const float* row) {
  if (weight.layout == WeightLayout::rows)
    return copy_row(weight, output,
                    {row, static_cast<std::size_t>(weight.inputs)});
  switch (weight.format) {
    case WeightFormat::f32:
      return pack_f32(weight, output, row);
    case WeightFormat::bf16:
      return pack_bf16(weight, output, row);
    case WeightFormat::int8:
    case WeightFormat::int4:
      return pack_codes(weight, output, row);
  }
  TROUPE_ASSERT(false);
  return false;
}

}  // namespace

std::string_view to_string(WeightFormat format) {
  switch (format) {
    case WeightFormat::f32:
      return "f32";
    case WeightFormat::bf16:
      return "bf16";
    case WeightFormat::int8:
      return "int8";
    case WeightFormat::int4:
      return "int4";
  }
  TROUPE_ASSERT(false);
  return "";
}

WeightLayout layout_on(const Device& device, WeightFormat format) {
  const bool plain =
      format == WeightFormat::f32 || format == WeightFormat::bf16;
  return device.backend == Backend::cuda && plain ? WeightLayout::rows
                                                  : WeightLayout::panels;
}

std::int64_t row_stride(WeightFormat format, std::int64_t inputs) {
  const std::int64_t line = format == WeightFormat::f32 ? 16 : 32;
  return (inputs + line - 1) / line * line;
}

std::size_t packed_bytes(WeightFormat format, std::int64_t outputs,
                         std::int64_t inputs, WeightLayout layout) {
  TROUPE_ASSERT(outputs >= 0 && inputs >= 0 && outputs <= kMaxDim &&
                inputs <= kMaxDim);
  if (layout == WeightLayout::rows)
    return static_cast<std::size_t>(outputs * row_stride(format, inputs) *
                                    (format == WeightFormat::f32 ? 4 : 2));
  const PackedWeight weight{.outputs = outputs, .inputs = inputs};
  return static_cast<std::size_t>(weight.panels() *
                                  panel_bytes(format, inputs));
}

bool pack_rows(const PackedWeight& weight, std::int64_t first,
               std::span<const float> rows) {
  const auto count =
      weight.inputs == 0
          ? 0
          : static_cast<std::int64_t>(rows.size()) / weight.inputs;
  TROUPE_ASSERT(count * weight.inputs ==
                    static_cast<std::int64_t>(rows.size()) &&
                first >= 0 && first + count <= weight.outputs);
  bool finite = true;
  for (std::int64_t row = 0; row < count; ++row)
    if (!pack_row(weight, first + row, rows.data() + row * weight.inputs))
      finite = false;
  if (first + count != weight.outputs || weight.layout == WeightLayout::rows)
    return finite;
  for (auto pad = weight.outputs; pad % kPanelOutputs != 0; ++pad)
    pack_row(weight, pad, nullptr);
  return finite;
}

float packed_at(const PackedWeight& weight, std::int64_t output,
                std::int64_t input) {
  const auto lane = output % kLanes;
  const bool in_rows = weight.layout == WeightLayout::rows;
  switch (weight.format) {
    case WeightFormat::f32:
      if (in_rows) return row_of<float>(weight, output)[input];
      return numbers_of<float>(weight, output)[f32_index(lane, input)];
    case WeightFormat::bf16:
      if (in_rows)
        return bf16_to_f32(row_of<std::uint16_t>(weight, output)[input]);
      return bf16_to_f32(
          numbers_of<std::uint16_t>(weight, output)[bf16_index(lane, input)]);
    case WeightFormat::int8:
    case WeightFormat::int4:
      break;
  }
  return code_at(weight, output, input);
}

Status check_packed(const Device& device, const PackedWeight& weight) {
  if (weight.layout != layout_on(device, weight.format))
    return Error{Errc::invalid_argument,
                 "a weight of " + std::string(to_string(weight.format)) +
                     (weight.layout == WeightLayout::rows
                          ? " in rows is for CUDA; this device reads panels"
                          : " in panels is for the CPU; CUDA reads rows")};
  if (weight.format >= WeightFormat::f32 &&
      weight.format <= kLastWeightFormat && weight.outputs >= 1 &&
      weight.outputs <= kMaxDim && weight.inputs >= 1 &&
      weight.inputs <= kMaxDim)
    return ok();
  return Error{Errc::invalid_argument,
               "a packed weight of [" + std::to_string(weight.outputs) + ", " +
                   std::to_string(weight.inputs) +
                   "] is not supported; known: f32, bf16, int8 and int4 [1 to "
                   "1048576, 1 to 1048576]"};
}

}  // namespace troupe::kernels
