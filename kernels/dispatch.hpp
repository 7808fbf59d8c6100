// How an op gets to the device of a Context.
#pragma once

#include <string>

#include "core/result.hpp"
#include "kernels/build_config.hpp"
#include "kernels/context.hpp"

namespace troupe::kernels {

/// Runs `Op` on the device of `ctx`, asynchronously on CUDA, or only measures
/// it. An op without a
/// CUDA version has no member `cuda`, so nothing has to stub it.
///
/// Errors: what Op::supports() says; cancelled (the stop flag is set: nothing
/// was computed); unsupported (no version for this device in this build).
/// REQUIRES: a scratch of at least Op::workspace_bytes(), which the engine
/// asked for when it was loaded.
template <class Op>
Status dispatch(Context& ctx, const typename Op::Args& args) {
  if (ctx.stop != nullptr && ctx.stop->load(std::memory_order_relaxed))
    return Error{Errc::cancelled, std::string(Op::kName) + ": was stopped"};
  if (auto able = Op::supports(ctx.device, args); !able) return able;
  const auto workspace = Op::workspace_bytes(ctx.device, args);
  if (ctx.measured != nullptr) {
    auto& most = ctx.measured->scratch_bytes;
    most = most < workspace ? workspace : most;
    ++ctx.measured->ops;
    return ok();
  }
  TROUPE_ASSERT(workspace <= ctx.scratch.size());
  if (ctx.device.backend == Backend::cpu) {
    Op::cpu(ctx, args);
    return ok();
  }
  if constexpr (kHaveCuda && requires { Op::cuda(ctx, args); }) {
    Op::cuda(ctx, args);
    return ok();
  }
  return Error{Errc::unsupported, std::string(Op::kName) +
                                      " has no CUDA version in this build; "
                                      "run the model on the CPU"};
}

}  // namespace troupe::kernels
