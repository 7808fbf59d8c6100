#include <cpuid.h>

#include "kernels/cpu/level.hpp"
#include "kernels/cpu/relax.hpp"
#include "kernels/isa.hpp"

namespace troupe {
namespace {

// clang 14 does not know that name of __builtin_cpu_supports().
bool has_f16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

}  // namespace

std::vector<IsaLevel> isa_levels_here() {
  std::vector<IsaLevel> levels{IsaLevel::baseline};
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
      !has_f16c())
    return levels;
  levels.push_back(IsaLevel::avx2);
  if (!__builtin_cpu_supports("avx512f") ||
      !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") ||
      !__builtin_cpu_supports("avx512vl"))
    return levels;
  levels.push_back(IsaLevel::avx512);
  if (!__builtin_cpu_supports("avx512vnni")) return levels;
  levels.push_back(IsaLevel::avx512_vnni);
  if (__builtin_cpu_supports("avx512bf16"))
    levels.push_back(IsaLevel::avx512_bf16);
  return levels;
}

namespace kernels {

const Level& level_of(IsaLevel isa) {
  switch (isa) {
    case IsaLevel::avx512_bf16:
      return avx512_bf16_level();
    case IsaLevel::avx512_vnni:
      return avx512_vnni_level();
    case IsaLevel::avx512:
      return avx512_level();
    case IsaLevel::avx2:
      return avx2_level();
    case IsaLevel::baseline:
      break;
  }
  return baseline_level();
}

void relax() {
  __builtin_ia32_pause();
}

}  // namespace kernels
}  // namespace troupe
