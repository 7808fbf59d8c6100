#pragma once

#include "kernels/cpu/attend.hpp"
#include "kernels/cpu/linear.hpp"
#include "kernels/cpu/linear_bf16.hpp"
#include "kernels/cpu/linear_codes.hpp"
#include "kernels/cpu/rows.hpp"

namespace troupe::kernels {

/// The table of the level whose lanes are L. Its functions are instantiated in
/// the one source that calls this, and carry L in their names.
template <class L>
constexpr Level make_level() {
  return {.linear = linear_part<L>,
          .linear_bf16 = linear_bf16_part<L>,
          .linear_int8 = linear_codes_part<L, 8>,
          .linear_int4 = linear_codes_part<L, 4>,
          .prepare_bf16 = prepare_bf16_row<L>,
          .prepare_codes = prepare_code_row<L>,
          .rms_norm = rms_norm_row<L>,
          .swiglu = swiglu_part<L>,
          .attend = attend_part<L>,
          .peak = peak_part<L>,
          .soften = soften_part<L>,
          .sum = sum_part<L>,
          .linear_panels = L::kPanels,
          .code_panels = L::kCodePanels};
}

}  // namespace troupe::kernels
