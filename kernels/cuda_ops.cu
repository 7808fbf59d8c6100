#include "kernels/cuda_ops.hpp"

#include <array>
#include <exception>
#include <string>

#include "kernels/attention.hpp"
#include "kernels/embedding.hpp"
#include "kernels/kv_pages.hpp"
#include "kernels/linear.hpp"
#include "kernels/rms_norm.hpp"
#include "kernels/rope.hpp"
#include "kernels/sampling.hpp"
#include "kernels/swiglu.hpp"

namespace troupe::kernels {
namespace {

template <class Op>
Status run(Context& ctx, const void* args) {
  try {
    Op::cuda(ctx, *static_cast<const typename Op::Args*>(args));
  } catch (const std::exception& failure) {
    return Error{Errc::device_lost, failure.what()};
  }
  return ok();
}

template <class Op>
constexpr CudaOp version_of() {
  return {Op::kName, &run<Op>};
}

constexpr std::array kOps{
    version_of<Embedding>(), version_of<RmsNorm>(),   version_of<RopeTable>(),
    version_of<Rope>(),      version_of<Linear>(),    version_of<SwiGlu>(),
    version_of<KvAppend>(),  version_of<Attention>(), version_of<Sampling>()};

}  // namespace

std::span<const CudaOp> cuda_ops() {
  return kOps;
}

}  // namespace troupe::kernels
