#include "kernels/numbers.hpp"

#include <bit>

#include "core/result.hpp"

namespace troupe {
namespace {

constexpr std::uint32_t kF32Infinity = 0x7f800000;
constexpr std::uint32_t kF16Infinity = 0x7c00;

// Drops the low `bits` of `value`, rounding to nearest, ties to even.
constexpr std::uint32_t round_off(std::uint32_t value, int bits) {
  const std::uint32_t half = (1u << (bits - 1)) - 1;
  return (value + half + ((value >> bits) & 1)) >> bits;
}

template <class In, class Out, class Convert>
void convert_all(std::span<const In> in, std::span<Out> out, Convert convert) {
  TROUPE_ASSERT(in.size() == out.size());
  for (std::size_t i = 0; i < in.size(); ++i) out[i] = convert(in[i]);
}

}  // namespace

float bf16_to_f32(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

float f16_to_f32(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1f;
  const std::uint32_t mantissa = bits & 0x3ff;
  if (exponent == 0x1f)
    return std::bit_cast<float>(sign | kF32Infinity | mantissa << 13);
  if (exponent == 0) {  // Zero or subnormal: mantissa times 2^-24, exactly.
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

std::uint16_t f32_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffff) > kF32Infinity)
    return static_cast<std::uint16_t>(bits >> 16 | 0x40);
  return static_cast<std::uint16_t>(round_off(bits, 16));
}

std::uint16_t f32_to_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000;
  const std::uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > kF32Infinity)
    return static_cast<std::uint16_t>(sign | kF16Infinity | 0x200 |
                                      (magnitude >> 13 & 0x3ff));
  // 65520 and above round to infinity.
  if (magnitude >= 0x477ff000)
    return static_cast<std::uint16_t>(sign | kF16Infinity);
  if (magnitude >= 0x38800000)  // 2^-14: normal.
    return static_cast<std::uint16_t>(sign |
                                      round_off(magnitude - (112u << 23), 13));
  if (magnitude <= 0x33000000)  // 2^-25 and below round to zero.
    return static_cast<std::uint16_t>(sign);
  const std::uint32_t mantissa = (magnitude & 0x7fffff) | 0x800000;
  const int shift = 126 - static_cast<int>(magnitude >> 23);
  return static_cast<std::uint16_t>(sign | round_off(mantissa, shift));
}

void bf16_to_f32(std::span<const std::uint16_t> in, std::span<float> out) {
  convert_all(in, out, [](std::uint16_t x) { return bf16_to_f32(x); });
}
void f16_to_f32(std::span<const std::uint16_t> in, std::span<float> out) {
  convert_all(in, out, [](std::uint16_t x) { return f16_to_f32(x); });
}
void f32_to_bf16(std::span<const float> in, std::span<std::uint16_t> out) {
  convert_all(in, out, [](float x) { return f32_to_bf16(x); });
}
void f32_to_f16(std::span<const float> in, std::span<std::uint16_t> out) {
  convert_all(in, out, [](float x) { return f32_to_f16(x); });
}

}  // namespace troupe
