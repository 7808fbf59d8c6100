// How many products the machine makes in registers: what long prompts cannot
// beat. x86-64 only.
#pragma once

#include "kernels/context.hpp"
#include "kernels/packed.hpp"

namespace troupe::bench {

/// Operations (two a product) a second in the instruction that products with
/// weights of `format` use at the level of `ctx`, all threads, nothing loaded.
double product_rate(const Context& ctx, kernels::WeightFormat format);

}  // namespace troupe::bench
