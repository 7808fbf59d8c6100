#include "models/recorded_steps.hpp"

#include <utility>

namespace troupe {

Status RecordedSteps::record(Context& ctx, Step& step,
                             const std::function<Status()>& compute) {
  if (auto begun = ctx.graphs->begin(); !begun) return begun;
  const auto computed = compute();
  auto graph = ctx.graphs->end();
  if (!computed) return computed;
  if (!graph) return graph.error();
  step.graph = std::move(*graph);
  return ok();
}

Status RecordedSteps::run(Context& ctx, std::int64_t rows, const KvCache& cache,
                          const std::function<Status()>& compute) {
  if (ctx.graphs == nullptr || ctx.measured != nullptr) return compute();
  // The ops would look; a recorded step does not.
  if (ctx.stop != nullptr && ctx.stop->load(std::memory_order_relaxed))
    return Error{Errc::cancelled, "the step was stopped"};
  const auto pages = cache.layer(0);
  const auto table = cache.page_table();
  const Places places{.keys = pages.keys,
                      .table = table.data,
                      .pages = pages.pages,
                      .sequence_pages = table.shape[1]};
  auto& step = steps_[rows];
  if (step.places != places) step = {.places = places};
  if (!step.ran) {
    auto computed = compute();
    step.ran = static_cast<bool>(computed);
    return computed;
  }
  if (step.graph == nullptr)
    if (auto recorded = record(ctx, step, compute); !recorded) return recorded;
  return step.graph->launch();
}

}  // namespace troupe
