// The adapters of a linear layer as products of their own: what is refused of
// them, and where in the layer's scratch they put what they give.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/linear.hpp"

namespace troupe::kernels {

/// Errors: invalid_argument, naming the adapter.
Status check_adapters(const Device& device, const Linear::Args& args);

/// One adapter after the other uses it; both parts begin at a multiple of 256.
struct AdapterScratch {
  std::size_t high_at = 0;  // Before it: what the products themselves take.
  std::size_t low_at = 0;
  std::size_t end = 0;
};

/// What the layer's own product takes of the scratch; those of its adapters
/// take no more, and one after the other.
std::size_t linear_products_bytes(const Device& device,
                                  const Linear::Args& args);

/// Behind what the products take.
AdapterScratch adapter_scratch(const Device& device, const Linear::Args& args);

/// u = b (a x): the second takes what the first gives.
struct AdapterProducts {
  Linear::Args low;   // [rows, rank]
  Linear::Args high;  // [rows, outputs]
};

/// REQUIRES: a scratch that holds `at`.
AdapterProducts adapter_products(Context& ctx, const Linear::Args& args,
                                 const AdapterScratch& at,
                                 const Adapter& adapter);

}  // namespace troupe::kernels
