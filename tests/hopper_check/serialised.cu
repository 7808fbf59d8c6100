// What the check must refuse: sums are touched while the tensor cores have
// them, so that the compiler makes the products wait for one another.
#include "kernels/hopper/wgmma.cuh"

namespace troupe::kernels::hopper {

__global__ void serialised(float* out, std::uint64_t left,
                           std::uint64_t right) {
  float sums[64] = {};
  open_products();
  multiply_rows(sums, left, right, true);
  sums[0] += 1.f;
  multiply_rows(sums, left, right, true);
  close_products();
  wait_products<0>();
  for (int i = 0; i < 64; ++i) out[i * 128 + threadIdx.x] = sums[i];
}

}  // namespace troupe::kernels::hopper
