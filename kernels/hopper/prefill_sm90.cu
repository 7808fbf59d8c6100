#include <algorithm>

#include "kernels/hopper/attention.cuh"
#include "kernels/hopper/host.cuh"
#include "kernels/hopper/prefill.hpp"
#include "kernels/hopper/rows.cuh"

namespace troupe::kernels {
namespace {

using namespace hopper;

static_assert(kPageRows == kPageTokens);

constexpr float kLog2E = 1.44269504f;
constexpr std::int64_t kAlignment = 128;

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// Scratch: queries, then the arrays of Runs.
struct Plan {
  explicit Plan(const Attention::Args& a)
      : rows{a.q.shape[0]},
        queries{aligned(rows * a.q.shape[1] * 2)},
        array{aligned((rows + 1) * 4)} {}

  std::int64_t bytes() const { return queries + 4 * array; }
  Runs runs(std::byte* scratch) const {
    const auto at = [&](int i) {
      return reinterpret_cast<std::int32_t*>(scratch + queries + i * array);
    };
    return {.count = at(0), .starts = at(1), .sequences = at(2), .seen = at(3)};
  }

  std::int64_t rows, queries, array;
};

TensorMap pages_map(const void* data, const KvPages& pages) {
  return make_map({.data = data,
                   .z = pages.pages * pages.kv_heads,
                   .y = kPageTokens,
                   .x = pages.head_dim,
                   .box_z = 1,
                   .box_y = kPageRows,
                   .box_x = kColumn});
}

template <class V>
void attend(Context& ctx, const Attention::Args& a, const Runs& runs) {
  static_assert(kSharedBytes<V> <= kMostSharedBytes);
  const auto tiles = most_tiles(a.q.shape[0], a.q.shape[0], a.heads, V::kRows);
  launch(attend_sequences_kernel<V>,
         {.name = "attend_runs",
          .blocks = static_cast<unsigned>(
              std::min<std::int64_t>(tiles, multiprocessors())),
          .threads = V::kThreads,
          .shared_bytes = kSharedBytes<V>,
          .stream = ctx.stream},
         AttendSequences{
             .queries = make_map({.data = ctx.scratch.data(),
                                  .z = a.q.shape[0],
                                  .y = a.heads,
                                  .x = V::kDim,
                                  .box_z = V::kRows,
                                  .box_y = 1,
                                  .box_x = kColumn}),
             .keys = pages_map(a.pages.keys, a.pages),
             .values = pages_map(a.pages.values, a.pages),
             .y = a.y.data,
             .all = {.q_starts = runs.starts,
                     .kv_starts = runs.sequences,
                     .count = 0,
                     .kv_heads = static_cast<int>(a.pages.kv_heads),
                     .group = static_cast<int>(a.heads / a.pages.kv_heads),
                     .head_dim = V::kDim,
                     .kv_counts = runs.seen,
                     .runs = runs.count},
             .scale = a.scale * kLog2E,
             .page_table = data_of<const std::int32_t>(a.at.page_table),
             .most_pages = static_cast<int>(a.at.page_table.shape[1])});
}

}  // namespace

bool prefills_on_hopper(const Attention::Args& a) {
  // Tiles are counted in 32 bits; each row may be a run of its own.
  constexpr std::int64_t kMost = std::int64_t{1} << 30;
  return !a.decode && a.pages.dtype == DType::bf16 &&
         a.q.shape[0] <= kMost / a.heads;
}

std::size_t prefill_bytes(const Attention::Args& a) {
  return static_cast<std::size_t>(Plan{a}.bytes());
}

void prefill_on_hopper(Context& ctx, const Attention::Args& a) {
  const Plan plan{a};
  if (plan.rows == 0) return;
  const auto runs = plan.runs(ctx.scratch.data());
  launch(round_queries_kernel,
         {.name = "round_queries",
          .blocks = static_cast<unsigned>(plan.rows),
          .threads = kRoundThreads,
          .stream = ctx.stream},
         reinterpret_cast<std::uint32_t*>(ctx.scratch.data()),
         data_of<const float>(a.q), static_cast<int>(a.q.shape[1] / 2));
  launch(find_runs_kernel,
         {.name = "find_runs",
          .blocks = 1,
          .threads = kFindThreads,
          .stream = ctx.stream},
         runs,
         StepRows{data_of<const std::int32_t>(a.at.sequences),
                  data_of<const std::int32_t>(a.at.positions),
                  static_cast<int>(plan.rows)});
  if (a.pages.head_dim == 64)
    attend<Variant<64, 3, 128, 4, true, true>>(ctx, a, runs);
  else
    attend<Variant<128, 2, 128, 2, true, true>>(ctx, a, runs);
}

}  // namespace troupe::kernels
