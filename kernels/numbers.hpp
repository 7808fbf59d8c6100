// The three number formats that weights are stored in, converted one to
// another. Widening is exact; narrowing rounds to nearest, ties to even.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace troupe {

float bf16_to_f32(std::uint16_t bits);
float f16_to_f32(std::uint16_t bits);
/// NaN stays a (quiet) NaN of the same sign; beyond the largest: infinity.
std::uint16_t f32_to_bf16(float value);
std::uint16_t f32_to_f16(float value);

/// All of these REQUIRE: in.size() == out.size().
void bf16_to_f32(std::span<const std::uint16_t> in, std::span<float> out);
void f16_to_f32(std::span<const std::uint16_t> in, std::span<float> out);
void f32_to_bf16(std::span<const float> in, std::span<std::uint16_t> out);
void f32_to_f16(std::span<const float> in, std::span<std::uint16_t> out);

}  // namespace troupe
