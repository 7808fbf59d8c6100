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

// Keeps the compiler from making one turn of all.
#define TROUPE_KEEP(x) asm volatile("" : "+x"(x))
#define TROUPE_KEEP_512(x) asm volatile("" : "+v"(x))
// Chains live in registers only so.
#define TROUPE_UNROLLED _Pragma("GCC unroll 12")

__attribute__((target("avx2,fma"))) void fma_256() {
  __m256 sum[kChains];
  auto factor = _mm256_set1_ps(1e-3f);
  for (auto& s : sum) s = factor;
  for (int turn = 0; turn < kTurns; ++turn) {
    TROUPE_UNROLLED
    for (auto& s : sum) {
      s = _mm256_fmadd_ps(factor, factor, s);
      TROUPE_KEEP(s);
    }
  }
}

__attribute__((target("avx2"))) void madd_256() {
  __m256i sum[kChains];
  auto factor = _mm256_set1_epi16(3);
  for (auto& s : sum) s = factor;
  for (int turn = 0; turn < kTurns; ++turn) {
    TROUPE_UNROLLED
    for (auto& s : sum) {
      s = _mm256_add_epi32(s, _mm256_madd_epi16(factor, s));
      TROUPE_KEEP(s);
    }
  }
}

__attribute__((target("avx512f"))) void fma_512() {
  __m512 sum[kChains];
  auto factor = _mm512_set1_ps(1e-3f);
  for (auto& s : sum) s = factor;
  for (int turn = 0; turn < kTurns; ++turn) {
    TROUPE_UNROLLED
    for (auto& s : sum) {
      s = _mm512_fmadd_ps(factor, factor, s);
      TROUPE_KEEP_512(s);
    }
  }
}

__attribute__((target("avx512f,avx512bw"))) void madd_512() {
  __m512i sum[kChains];
  auto factor = _mm512_set1_epi16(3);
  for (auto& s : sum) s = factor;
  for (int turn = 0; turn < kTurns; ++turn) {
    TROUPE_UNROLLED
    for (auto& s : sum) {
      s = _mm512_add_epi32(s, _mm512_madd_epi16(factor, s));
      TROUPE_KEEP_512(s);
    }
  }
}

__attribute__((target("avx512f,avx512vnni"))) void dots_of_bytes() {
  __m512i sum[kChains];
  auto factor = _mm512_set1_epi8(3);
  for (auto& s : sum) s = factor;
  for (int turn = 0; turn < kTurns; ++turn) {
    TROUPE_UNROLLED
    for (auto& s : sum) {
      s = _mm512_dpbusd_epi32(s, factor, factor);
      TROUPE_KEEP_512(s);
    }
  }
}

__attribute__((target("avx512f,avx512bf16"))) void dots_of_bf16() {
  __m512 sum[kChains];
  auto factor = _mm512_set1_ps(1e-3f);
  for (auto& s : sum) s = factor;
  for (int turn = 0; turn < kTurns; ++turn) {
    TROUPE_UNROLLED
    for (auto& s : sum) {
      s = _mm512_dpbf16_ps(s, reinterpret_cast<__m512bh>(factor),
                           reinterpret_cast<__m512bh>(factor));
      TROUPE_KEEP_512(s);
    }
  }
}

#undef TROUPE_KEEP
#undef TROUPE_KEEP_512
#undef TROUPE_UNROLLED

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
