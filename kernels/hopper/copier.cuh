// Who copies queries, keys and values from where they lie into shared memory,
// tile by tile: one thread, or a warp whose lanes take a page each.
#pragma once

#include "kernels/hopper/variant.cuh"

namespace troupe::kernels::hopper {

template <class V>
struct Copier {
  const AttendSequences& a;
  Shared<V>& shared;
  int lane = 0;
  std::uint32_t keys = 0, values = 0, queries = 0;  // Tiles copied.

  __device__ void copy_queries(const Tile& tile) {
    wait_for(shared.queries_empty, queries++ % 2 ^ 1);
    if (lane != 0) return;
    arrive_expecting(shared.queries_full, tile_bytes(V::kRows, V::kDim));
    for (int d = 0; d < V::kDim; d += kColumn)
      copy_box(&shared.queries[d * V::kRows], a.queries, shared.queries_full, d,
               tile.head, tile.first_row);
  }

  __device__ void copy_keys(const Tile& tile, int index) {
    copy(keys++, shared.keys, shared.keys_full, shared.keys_empty, a.keys, tile,
         index);
  }
  __device__ void copy_values(const Tile& tile, int index) {
    copy(values++, shared.values, shared.values_full, shared.values_empty,
         a.values, tile, index);
  }

  __device__ void copy(std::uint32_t before,
                       std::uint16_t (&to)[V::kStages][V::kKeys * V::kDim],
                       Barrier (&full)[V::kStages],
                       Barrier (&empty)[V::kStages], const TensorMap& map,
                       const Tile& tile, int index) {
    const int kv_head = tile.head / a.all.group;
    const RingPlace<V::kStages> at{before};
    wait_for(empty[at.stage], at.parity ^ 1);
    if (lane == 0)
      arrive_expecting(full[at.stage], tile_bytes(V::kKeys, V::kDim));
    if constexpr (V::kPaged)
      copy_page(to[at.stage], full[at.stage], map, tile, kv_head,
                index * (V::kKeys / kPageRows) + lane);
    else
      for (int d = 0; d < V::kDim; d += kColumn)
        copy_box(&to[at.stage][d * V::kKeys], map, full[at.stage], d, kv_head,
                 tile.kv_begin + index * V::kKeys);
  }

  /// This lane's page of a tile. Behind the last page: that one once more, so
  /// that each tile has the same bytes.
  __device__ void copy_page(std::uint16_t (&to)[V::kKeys * V::kDim],
                            Barrier& full, const TensorMap& map,
                            const Tile& tile, int kv_head, int wanted) {
    if (lane >= V::kKeys / kPageRows) return;
    const int last = (tile.kv_count - 1) / kPageRows;
    const int page = a.page_table[std::int64_t{tile.kv_begin} * a.most_pages +
                                  least(wanted, last)];
    for (int d = 0; d < V::kDim; d += kColumn)
      copy_box(&to[d * V::kKeys + lane * kPageRows * kColumn], map, full, d, 0,
               page * a.all.kv_heads + kv_head);
  }

  __device__ void run(TileWalk walk) {
    Tile tile;
    while (walk.next<V::kRows, V::kKeys, V::kCausal>(tile)) {
      copy_queries(tile);
      // In the order in which they are asked for: the last keys first.
      for (int i = tile.key_tiles; i >= 0; --i) {
        if (i > 0) copy_keys(tile, i - 1);
        if (i < tile.key_tiles) copy_values(tile, i);
      }
    }
  }
};

}  // namespace troupe::kernels::hopper
