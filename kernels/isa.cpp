#include "kernels/isa.hpp"

#include <algorithm>

#include "core/nearest.hpp"

namespace troupe {

std::string_view to_string(IsaLevel level) {
  switch (level) {
    case IsaLevel::baseline:
      return "baseline";
    case IsaLevel::avx2:
      return "avx2";
    case IsaLevel::avx512:
      return "avx512";
    case IsaLevel::avx512_vnni:
      return "avx512_vnni";
    case IsaLevel::avx512_bf16:
      return "avx512_bf16";
  }
  TROUPE_ASSERT(false);
  return "";
}

IsaLevel best_isa_level() {
  return isa_levels_here().back();
}

Result<IsaLevel> isa_level_named(std::string_view name) {
  auto level = enum_named(name, kLastIsaLevel);
  if (!level) {
    level.error().message = "instruction level " + level.error().message;
    return level;
  }
  const auto here = isa_levels_here();
  if (std::ranges::count(here, *level) > 0) return level;
  return Error{Errc::invalid_argument,
               "this processor lacks the instruction level " +
                   std::string(name) + "; its best is " +
                   std::string(to_string(here.back()))};
}

}  // namespace troupe
