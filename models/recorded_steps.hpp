// Steps that differ only in what the device's memory says: each is run once,
// recorded the second time and from then on launched as one. Knows no model.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "core/result.hpp"
#include "kernels/context.hpp"
#include "kernels/step_graph.hpp"
#include "models/kv_cache.hpp"

namespace troupe {

/// Used by one thread, with one Context.
class RecordedSteps {
 public:
  /// Does what `compute` does, whose ops depend on nothing but `rows`, the
  /// places of the cache and the device's memory. A Context that cannot record
  /// computes each time. Errors: those of `compute`; cancelled, device_lost.
  Status run(Context& ctx, std::int64_t rows, const KvCache& cache,
             const std::function<Status()>& compute);

 private:
  // Where a cache has its pages and its table.
  struct Places {
    const void* keys = nullptr;
    const void* table = nullptr;
    std::int64_t pages = 0;
    std::int64_t sequence_pages = 0;
    friend auto operator<=>(const Places&, const Places&) = default;
  };
  struct Step {
    Places places;
    bool ran = false;  // So that its plans are made.
    std::unique_ptr<StepGraph> graph;
  };

  static Status record(Context& ctx, Step& step,
                       const std::function<Status()>& compute);

  std::map<std::int64_t, Step> steps_;  // By rows.
};

}  // namespace troupe
