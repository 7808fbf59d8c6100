#include "bench/support/read_rate.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace troupe::bench {
namespace {

constexpr std::int64_t kReadParts = 64;

using Words = std::uint64_t __attribute__((vector_size(16)));

// Sums 256 bytes of each of kStreams parts of [from, from + bytes) at a time.
template <int kStreams, int kAhead>
std::uint64_t sum_words(const std::byte* from, std::size_t bytes) {
  const auto part = bytes / kStreams / 256 * 256;
  Words sum[4] = {};
  for (std::size_t at = 0; at < part; at += 256)
    for (int s = 0; s < kStreams; ++s) {
      const auto* p = from + static_cast<std::size_t>(s) * part + at;
      for (int line = 0; line < 256 && kAhead > 0; line += 64)
        __builtin_prefetch(p + kAhead + line);
      for (int i = 0; i < 16; ++i)
        sum[i % 4] += *reinterpret_cast<const Words*>(p + 16 * i);
    }
  const auto all = sum[0] + sum[1] + sum[2] + sum[3];
  return all[0] + all[1];
}

using SumWords = std::uint64_t (*)(const std::byte*, std::size_t);
constexpr SumWords kReadLoops[] = {sum_words<1, 0>, sum_words<1, 1024>,
                                   sum_words<1, 4096>, sum_words<4, 0>,
                                   sum_words<4, 1024>};

double read_once(const Context& ctx, std::span<const std::byte> memory,
                 SumWords loop) {
  std::vector<std::uint64_t> sums(kReadParts);
  const auto part = memory.size() / kReadParts / 4096 * 4096;
  const auto begin = std::chrono::steady_clock::now();
  ctx.split(kReadParts, [&](std::int64_t p) {
    const auto i = static_cast<std::size_t>(p);
    sums[i] = loop(memory.data() + i * part, part);
  });
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - begin;
  volatile std::uint64_t keep = 0;
  for (const auto sum : sums) keep = keep + sum;
  return static_cast<double>(part * kReadParts) / took.count();
}

}  // namespace

double read_rate(const Context& ctx, std::span<const std::byte> memory) {
  double best = 0;
  for (const auto loop : kReadLoops)
    best = std::max(best, read_once(ctx, memory, loop));
  return best;
}

}  // namespace troupe::bench
