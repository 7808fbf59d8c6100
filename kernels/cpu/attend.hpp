// The inner work of attention: one query vector meets the keys tile by tile,
// tiles at multiples of kLanes of the absolute position, first to last, with a
// running maximum. So what a vector gets does not depend on which others are
// computed beside it.
#pragma once

#include "kernels/cpu/math.hpp"

namespace troupe::kernels {

inline constexpr int kAttendVectors = 8;  // Computed side by side.
inline constexpr int kMaxHeadDim = 128;

template <class L>
struct AttendState {
  const float* q;
  float* y;
  std::int64_t position;
  float max;
  typename L::V sum;
  alignas(64) float out[kMaxHeadDim];
};

// Scores of kV vectors with the 16 keys of one tile, [head_dim, kLanes].
template <class L, int kV>
void tile_scores(const AttendState<L>* states, const float* keys,
                 std::int64_t head_dim, typename L::V* scores) {
  using V = typename L::V;
  V sum[kV];
  for (int v = 0; v < kV; ++v) sum[v] = L::all(0.f);
  for (std::int64_t d = 0; d < head_dim; ++d) {
    const V key = L::load(keys + d * kLanes);
    for (int v = 0; v < kV; ++v)
      sum[v] = L::fma(L::all(states[v].q[d]), key, sum[v]);
  }
  for (int v = 0; v < kV; ++v) scores[v] = sum[v];
}

template <class L, int kV = kAttendVectors>
void any_tile_scores(const AttendState<L>* states, int vectors,
                     const float* keys, std::int64_t head_dim,
                     typename L::V* scores) {
  if (vectors == kV)
    tile_scores<L, kV>(states, keys, head_dim, scores);
  else if constexpr (kV > 1)
    any_tile_scores<L, kV - 1>(states, vectors, keys, head_dim, scores);
}

// `count` of the tile's keys are at or before the vector's position. The
// others' scores and values may be anything: they are never used.
template <class L>
void take_tile(AttendState<L>& s, typename L::V scores, const float* values,
               std::int64_t head_dim, std::int64_t count) {
  using V = typename L::V;
  constexpr std::int64_t kStep = 4 * kLanes;  // Four chains hide a latency.
  scores = keep_first<L>(scores, count, -__builtin_inff());
  const float tile_max = max_of<L>(scores);
  if (tile_max > s.max) {
    const V shrink = exp_of<L>(L::all(s.max - tile_max));
    s.sum = L::mul(s.sum, shrink);
    for (std::int64_t d = 0; d < head_dim; d += kLanes)
      L::store(s.out + d, L::mul(L::load(s.out + d), shrink));
    s.max = tile_max;
  }
  const V weights =
      keep_first<L>(exp_of<L>(L::sub(scores, L::all(s.max))), count, 0.f);
  s.sum = L::add(s.sum, weights);
  alignas(64) float weight[kLanes];
  L::store(weight, weights);
  for (std::int64_t d = 0; d < head_dim; d += kStep) {
    V out[4];
    for (int c = 0; c < 4; ++c) out[c] = L::load(s.out + d + c * kLanes);
    for (std::int64_t t = 0; t < count; ++t) {
      const V w = L::all(weight[t]);
      const float* value = values + t * head_dim + d;
      for (int c = 0; c < 4; ++c)
        out[c] = L::fma(w, L::load(value + c * kLanes), out[c]);
    }
    for (int c = 0; c < 4; ++c) L::store(s.out + d + c * kLanes, out[c]);
  }
}

template <class L>
void attend_vectors(const AttendPart& part, AttendState<L>* states,
                    int vectors) {
  std::int64_t last = 0;
  for (int v = 0; v < vectors; ++v)
    if (states[v].position > last) last = states[v].position;
  for (std::int64_t tile = 0; tile * kLanes <= last; ++tile) {
    const auto page = part.pages[tile] * part.page_stride;
    typename L::V scores[kAttendVectors];
    any_tile_scores<L>(states, vectors, part.keys + page, part.head_dim,
                       scores);
    for (int v = 0; v < vectors; ++v) {
      const auto seen = states[v].position - tile * kLanes + 1;
      if (seen <= 0) continue;
      take_tile<L>(states[v], L::mul(scores[v], L::all(part.scale)),
                   part.values + page, part.head_dim,
                   seen < kLanes ? seen : kLanes);
    }
  }
  for (int v = 0; v < vectors; ++v) {
    const auto sum = L::all(sum_of<L>(states[v].sum));
    for (std::int64_t d = 0; d < part.head_dim; d += kLanes)
      L::store(states[v].y + d, L::div(L::load(states[v].out + d), sum));
  }
}

template <class L>
void attend_part(const AttendPart& part) {
  AttendState<L> states[kAttendVectors];
  int vectors = 0;
  for (std::int64_t row = 0; row < part.rows; ++row)
    for (std::int64_t head = 0; head < part.heads; ++head) {
      const auto at =
          row * part.row_stride + (part.first_head + head) * part.head_dim;
      auto& s = states[vectors++];
      s.q = part.q + at;
      s.y = part.y + at;
      s.position = part.positions[row];
      s.max = -__builtin_inff();
      s.sum = L::all(0.f);
      for (float& x : s.out) x = 0.f;
      const bool end = row + 1 == part.rows && head + 1 == part.heads;
      if (vectors < kAttendVectors && !end) continue;
      attend_vectors<L>(part, states, vectors);
      vectors = 0;
    }
}

}  // namespace troupe::kernels
