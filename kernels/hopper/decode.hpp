// Attention of decoded rows on Hopper: another way to do what Attention with
// Args::decode does, for the devices and shapes that can.
#pragma once

#include "kernels/attention.hpp"

namespace troupe::kernels {

/// Rows that are decoded over a bf16 cache, of at most 16 heads a kv head.
bool decodes_on_hopper(const Attention::Args& args);

/// REQUIRES: decodes_on_hopper(), a device of compute capability 9.0, and what
/// Attention::cuda() does. Queries are rounded to bf16.
void decode_on_hopper(Context& ctx, const Attention::Args& args);

}  // namespace troupe::kernels
