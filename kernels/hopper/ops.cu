#include "kernels/hopper/ops.hpp"

#include <exception>
#include <vector>

#include "kernels/cuda_ops.hpp"
#include "kernels/sequence_attention.hpp"

namespace troupe::kernels {
namespace {

Status run_sequence_attention(Context& ctx, const void* args) {
  try {
    SequenceAttention::cuda(ctx,
                            *static_cast<const SequenceAttention::Args*>(args));
  } catch (const std::exception& failure) {
    return Error{Errc::device_lost, failure.what()};
  }
  return ok();
}

std::vector<CudaOp> all_ops() {
  const auto plain = cuda_ops();
  std::vector<CudaOp> ops(plain.begin(), plain.end());
  ops.push_back({SequenceAttention::kName, &run_sequence_attention});
  return ops;
}

}  // namespace

std::span<const CudaOp> hopper_ops() {
  static const std::vector<CudaOp> kOps = all_ops();
  return kOps;
}

}  // namespace troupe::kernels
