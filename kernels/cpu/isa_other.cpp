// Processors without levels of their own.
#include "kernels/cpu/level.hpp"
#include "kernels/cpu/relax.hpp"
#include "kernels/isa.hpp"

namespace troupe {

std::vector<IsaLevel> isa_levels_here() {
  return {IsaLevel::baseline};
}

namespace kernels {

const Level& level_of(IsaLevel) {
  return baseline_level();
}

void relax() {}

}  // namespace kernels
}  // namespace troupe
