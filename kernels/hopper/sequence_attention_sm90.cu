#include <algorithm>

#include "kernels/hopper/attention.cuh"
#include "kernels/hopper/host.cuh"
#include "kernels/sequence_attention.hpp"

namespace troupe::kernels {
namespace {

using namespace hopper;

constexpr float kLog2E = 1.44269504f;

TensorMap rows_map(const TensorRef& tensor, std::int64_t heads, int rows) {
  return make_map({.data = tensor.data,
                   .z = tensor.shape[0],
                   .y = heads,
                   .x = tensor.shape[1] / heads,
                   .box_z = rows,
                   .box_y = 1,
                   .box_x = kColumn});
}

template <class V>
void attend(Context& ctx, const SequenceAttention::Args& a) {
  static_assert(kSharedBytes<V> <= kMostSharedBytes);
  const auto sequences = a.q_starts.shape[0] - 1;
  const auto tiles = most_tiles(a.q.shape[0], sequences, a.heads, V::kRows);
  const auto blocks = std::min<std::int64_t>(tiles, multiprocessors());
  launch(attend_sequences_kernel<V>,
         {.name = "attend_sequences",
          .blocks = static_cast<unsigned>(blocks),
          .threads = V::kThreads,
          .shared_bytes = kSharedBytes<V>,
          .stream = ctx.stream},
         AttendSequences{
             .queries = rows_map(a.q, a.heads, V::kRows),
             .keys = rows_map(a.k, a.kv_heads, V::kKeys),
             .values = rows_map(a.v, a.kv_heads, V::kKeys),
             .y = data_of<__nv_bfloat16>(a.y),
             .all = {.q_starts = data_of<const std::int32_t>(a.q_starts),
                     .kv_starts = data_of<const std::int32_t>(a.kv_starts),
                     .count = static_cast<int>(sequences),
                     .kv_heads = static_cast<int>(a.kv_heads),
                     .group = static_cast<int>(a.heads / a.kv_heads),
                     .head_dim = V::kDim},
             .scale = a.scale * kLog2E});
}

}  // namespace

void SequenceAttention::cuda(Context& ctx, const Args& a) {
  if (a.q.shape[0] == 0 || a.q_starts.shape[0] == 1) return;
  if (a.head_dim == 64 && a.causal)
    attend<Variant<64, 3, 128, 4, true>>(ctx, a);
  else if (a.head_dim == 64)
    attend<Variant<64, 3, 128, 4, false>>(ctx, a);
  else if (a.causal)
    attend<Variant<128, 2, 128, 2, true>>(ctx, a);
  else
    attend<Variant<128, 2, 176, 2, false>>(ctx, a);
}

}  // namespace troupe::kernels
