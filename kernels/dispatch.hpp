// How an op gets to the device of a Context.
#pragma once

#include <string>

#include "core/result.hpp"
#include "kernels/context.hpp"

namespace troupe::kernels {

/// Runs `Op` on the device of `ctx`, asynchronously on CUDA, or only measures
/// it. CUDA versions come from the Context's table, so that a program which
/// gives none links no CUDA, and an op that has none needs no stub.
///
/// Errors: what Op::supports() says; cancelled (the stop flag is set: nothing
/// was computed); unsupported (no version for this device in this program);
/// device_lost (what CUDA said).
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
  for (const auto& op : ctx.cuda_ops)
    if (op.name == Op::kName) return op.run(ctx, &args);
  return Error{Errc::unsupported, std::string(Op::kName) +
                                      " has no CUDA version in this program; "
                                      "run the model on the CPU"};
}

}  // namespace troupe::kernels
