// The instruction levels that the CPU kernels are compiled for. Which are
// there is asked of the processor; which one runs is a Context's choice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace troupe {

/// On x86-64: SSE2; AVX2 with FMA and F16C; AVX-512 F, BW, DQ and VL; that
/// with VNNI; and with BF16, too. Elsewhere only baseline. A result is the same
/// bytes at the same level.
enum class IsaLevel : std::uint8_t {
  baseline = 1,
  avx2,
  avx512,
  avx512_vnni,
  avx512_bf16
};
inline constexpr IsaLevel kLastIsaLevel = IsaLevel::avx512_bf16;

std::string_view to_string(IsaLevel level);

/// What this build has and this processor can run, the lowest first; never
/// empty.
std::vector<IsaLevel> isa_levels_here();
IsaLevel best_isa_level();

/// Errors: invalid_argument: an unknown name, or one this machine cannot run.
Result<IsaLevel> isa_level_named(std::string_view name);

}  // namespace troupe
