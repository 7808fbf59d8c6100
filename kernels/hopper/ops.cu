#include "kernels/hopper/ops.hpp"

#include <exception>
#include <vector>

#include "kernels/cuda_ops.hpp"
#include "kernels/hopper/decode.hpp"
#include "kernels/hopper/prefill.hpp"
#include "kernels/sequence_attention.hpp"

namespace troupe::kernels {
namespace {

template <class Args>
Status run(void (*op)(Context&, const Args&), Context& ctx, const void* args) {
  try {
    op(ctx, *static_cast<const Args*>(args));
  } catch (const std::exception& failure) {
    return Error{Errc::device_lost, failure.what()};
  }
  return ok();
}

void attend(Context& ctx, const Attention::Args& args) {
  if (decodes_on_hopper(args))
    decode_on_hopper(ctx, args);
  else if (prefills_on_hopper(args) &&
           prefill_bytes(args) <= ctx.scratch.size())
    prefill_on_hopper(ctx, args);
  else
    Attention::cuda(ctx, args);
}

Status run_attention(Context& ctx, const void* args) {
  return run<Attention::Args>(&attend, ctx, args);
}
Status run_sequence_attention(Context& ctx, const void* args) {
  return run<SequenceAttention::Args>(&SequenceAttention::cuda, ctx, args);
}

std::vector<CudaOp> all_ops() {
  const auto plain = cuda_ops();
  std::vector<CudaOp> ops(plain.begin(), plain.end());
  for (auto& op : ops)
    if (op.name == Attention::kName) op.run = &run_attention;
  ops.push_back({SequenceAttention::kName, &run_sequence_attention});
  return ops;
}

}  // namespace

std::span<const CudaOp> hopper_ops() {
  static const std::vector<CudaOp> kOps = all_ops();
  return kOps;
}

}  // namespace troupe::kernels
