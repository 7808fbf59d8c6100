#include "bench/kernels/product_rate.hpp"

#include <immintrin.h>

#include <chrono>
#include <cstdint>

namespace troupe::bench {
namespace {

using kernels::WeightFormat;

template <class Work>
double seconds_of(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

// -- products -----------------------------------------------------------------

constexpr int kChains = 12;  // More than an instruction's latency.
constexpr int kTurns = 200'000;

// A function of chains of `next`, of `sum` and `factor`, which the compiler may
// neither shorten to one turn nor keep out of registers.
#define TROUPE_LOOP(name, isa, Vector, first, next)     \
  __attribute__((target(isa))) void name() {            \
    Vector sums[kChains];                               \
    const auto factor = first;                          \
    for (auto& sum : sums) sum = factor;                \
    for (int turn = 0; turn < kTurns; ++turn) {         \
      _Pragma("GCC unroll 12") for (auto& sum : sums) { \
        sum = next;                                     \
        asm volatile("" : "+v"(sum));                   \
      }                                                 \
    }                                                   \
  }

TROUPE_LOOP(fma_256, "avx2,fma", __m256, _mm256_set1_ps(1e-3f),
            _mm256_fmadd_ps(factor, factor, sum))
TROUPE_LOOP(madd_256, "avx2", __m256i, _mm256_set1_epi16(3),
            _mm256_add_epi32(sum, _mm256_madd_epi16(factor, sum)))
TROUPE_LOOP(fma_512, "avx512f", __m512, _mm512_set1_ps(1e-3f),
            _mm512_fmadd_ps(factor, factor, sum))
TROUPE_LOOP(madd_512, "avx512f,avx512bw", __m512i, _mm512_set1_epi16(3),
            _mm512_add_epi32(sum, _mm512_madd_epi16(factor, sum)))
TROUPE_LOOP(dots_of_bytes, "avx512f,avx512vnni", __m512i, _mm512_set1_epi8(3),
            _mm512_dpbusd_epi32(sum, factor, factor))
TROUPE_LOOP(dots_of_bf16, "avx512f,avx512bf16", __m512, _mm512_set1_ps(1e-3f),
            _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(factor),
                             reinterpret_cast<__m512bh>(factor)))

#undef TROUPE_LOOP

struct Loop {
  void (*run)();
  double operations;  // Of one instruction.
};

Loop loop_of(IsaLevel isa, WeightFormat format) {
  const bool codes =
      format == WeightFormat::int8 || format == WeightFormat::int4;
  if (isa == IsaLevel::avx2)
    return codes ? Loop{madd_256, 32} : Loop{fma_256, 16};
  if (codes && isa >= IsaLevel::avx512_vnni) return {dots_of_bytes, 128};
  if (codes) return {madd_512, 64};
  if (format == WeightFormat::bf16 && isa == IsaLevel::avx512_bf16)
    return {dots_of_bf16, 64};
  return {fma_512, 32};
}

}  // namespace

double product_rate(const Context& ctx, WeightFormat format) {
  const auto loop = loop_of(ctx.isa, format);
  const int threads = ctx.threads();
  const double seconds = seconds_of(
      [&] { ctx.split(threads, [&](std::int64_t) { loop.run(); }); });
  return loop.operations * kChains * kTurns * threads / seconds;
}

}  // namespace troupe::bench
