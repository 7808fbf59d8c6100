// Attention of rows that follow one another, over a paged cache, on Hopper:
// another way to do what Attention without Args::decode does.
#pragma once

#include <cstddef>

#include "kernels/attention.hpp"

namespace troupe::kernels {

/// Many rows over a bf16 cache.
bool prefills_on_hopper(const Attention::Args& args);

/// Of scratch.
std::size_t prefill_bytes(const Attention::Args& args);

/// REQUIRES: prefills_on_hopper(), a scratch of prefill_bytes(), a device of
/// compute capability 9.0, and what Attention::cuda() does. Queries are rounded
/// to bf16.
void prefill_on_hopper(Context& ctx, const Attention::Args& args);

}  // namespace troupe::kernels
