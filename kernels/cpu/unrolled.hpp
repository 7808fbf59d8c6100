// Loops over a tile of vectors that stay in registers.
#pragma once

#include "kernels/cpu/level.hpp"

namespace troupe::kernels {

template <int kValue>
struct Index {
  static constexpr int value = kValue;
};

/// Calls f(Index<0>{}) … f(Index<kN - 1>{}). A loop would do, but for GCC: it
/// keeps an array in registers only where all indices are constants before
/// loops are unrolled, and else stores all sums of a tile at every step. `f`
/// must be inlined always, for the same reason.
template <int kN, int kFrom = 0, class F>
[[gnu::always_inline]] inline void unrolled(F f) {
  if constexpr (kFrom < kN) {
    f(Index<kFrom>{});
    unrolled<kN, kFrom + 1>(f);
  }
}

#define TROUPE_INLINE __attribute__((always_inline))

/// A tile's vectors, from memory to registers or back.
template <int kR, int kP, class V>
[[gnu::always_inline]] inline void copy_tile(const V (&from)[kR][kP],
                                             V (&to)[kR][kP]) {
  unrolled<kR>([&](auto r) TROUPE_INLINE {
    unrolled<kP>([&](auto p) TROUPE_INLINE {
      to[r.value][p.value] = from[r.value][p.value];
    });
  });
}

}  // namespace troupe::kernels
