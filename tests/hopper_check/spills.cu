// What the check must refuse: more numbers at once than 32 registers hold.
__global__ void __launch_bounds__(1024, 2) spills(const float* in, float* out) {
  float kept[64];
#pragma unroll
  for (int i = 0; i < 64; ++i) kept[i] = in[i * 1024 + threadIdx.x];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 64; ++i) out[i * 1024 + threadIdx.x] = kept[63 - i];
}
