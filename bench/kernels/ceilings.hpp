// What the machine allows, measured: how fast all cores read memory, and how
// many products they make in registers. x86-64 only.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/context.hpp"
#include "kernels/packed.hpp"

namespace troupe::bench {

/// Bytes a second; the best of several loops over `memory`, all of the team's
/// threads at once. REQUIRES: more bytes than any cache holds.
double read_rate(const Context& ctx, std::span<const std::byte> memory);

/// Operations (two a product) a second in the instruction that products with
/// weights of `format` use at the level of `ctx`, all threads, nothing loaded.
double product_rate(const Context& ctx, kernels::WeightFormat format);

}  // namespace troupe::bench
