#pragma once

#include "kernels/cpu/attend.hpp"
#include "kernels/cpu/linear.hpp"
#include "kernels/cpu/rows.hpp"

namespace troupe::kernels {

/// The table of the level whose lanes are L. Its functions are instantiated in
/// the one source that calls this, and carry L in their names.
template <class L>
constexpr Level make_level() {
  return {.linear = linear_part<L>,
          .rms_norm = rms_norm_row<L>,
          .swiglu = swiglu_part<L>,
          .attend = attend_part<L>,
          .peak = peak_part<L>,
          .soften = soften_part<L>,
          .sum = sum_part<L>,
          .linear_panels = L::kPanels};
}

}  // namespace troupe::kernels
