#include "bench/device/device.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <utility>

#include "kernels/device_memory.hpp"
#include "kernels/matmul.hpp"
#include "kernels/numbers.hpp"
#include "kernels/step_graph.hpp"

namespace troupe::bench {
namespace {

constexpr std::size_t kCopied = std::size_t{2} << 30;  // Beyond any cache.
constexpr std::int64_t kProduct = 8192;
constexpr std::size_t kLibraryBytes = std::size_t{32} << 20;

double copy_rate(Context& ctx) {
  const auto from = room(ctx, kCopied);
  const auto numbers = normal_numbers(kCopied / 256, 1, 4);
  for (std::size_t at = 0; at < kCopied; at += numbers.size() * sizeof(float))
    need(kernels::copy_in(ctx, from.data() + at, numbers.data(),
                          numbers.size() * sizeof(float)));
  const auto to = room(ctx, kCopied);
  return 2.0 * kCopied / seconds_on(ctx, 4, [&](int) {
           return kernels::copy(ctx, to.data(), from.data(), kCopied);
         });
}

double gemm_rate(Context& ctx) {
  const auto count = static_cast<std::size_t>(kProduct * kProduct);
  const auto x = put<std::uint16_t>(ctx, as_bf16(normal_numbers(count, 1, 1)));
  const auto w = put<std::uint16_t>(ctx, as_bf16(normal_numbers(count, 1, 2)));
  const auto y = room(ctx, count * sizeof(float));
  const auto scratch = room(ctx, kLibraryBytes);
  const kernels::Matmul product{.y = reinterpret_cast<float*>(y.data()),
                                .x = x.data(),
                                .weight = w.data(),
                                .type = DType::bf16,
                                .rows = kProduct,
                                .inputs = kProduct,
                                .outputs = kProduct,
                                .y_stride = kProduct,
                                .x_stride = kProduct,
                                .weight_stride = kProduct,
                                .scratch = {scratch.data(), kLibraryBytes}};
  return 2.0 * kProduct * kProduct * kProduct / seconds_on(ctx, 4, [&](int) {
           kernels::matmul(ctx, product);
           return ok();
         });
}

double to_device_rate(Context& ctx) {
  constexpr int kSends = 16;
  const auto to = room(ctx, kStagingBytes);
  auto* staging = need(ctx.memory->staging());
  for (int i = 0; i < 2; ++i)  // Not zeros.
    std::ranges::fill(need(staging->next()), std::byte{0x5a});
  std::vector<double> rates;
  for (int round = 0; round < kRounds; ++round) {
    const auto took = seconds_of([&] {
      for (int i = 0; i < kSends; ++i)
        need(staging->send(to.data(), need(staging->next())));
      need(kernels::wait(ctx));
    });
    rates.push_back(kSends * double{kStagingBytes} / took);
  }
  return median(rates);
}

}  // namespace

void need(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

double seconds_on(Context& ctx, int count,
                  const std::function<Status(int)>& begin) {
  need(begin(0));  // Plans are made outside of recordings.
  need(kernels::wait(ctx));
  need(ctx.graphs->begin());
  auto recorded = ok();
  for (int i = 0; recorded && i < count; ++i) recorded = begin(i);
  const auto graph = ctx.graphs->end();
  need(recorded);
  if (!graph) throw std::runtime_error(graph.error().message);
  std::vector<double> seconds;
  for (int round = -2; round < kRounds; ++round) {
    const auto took = seconds_of([&] {
      need((*graph)->launch());
      need(kernels::wait(ctx));
    });
    if (round >= 0) seconds.push_back(took / count);
  }
  return median(seconds);
}

std::vector<float> normal_numbers(std::size_t count, float size,
                                  unsigned seed) {
  constexpr std::size_t kPeriod = 1'000'003;
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal(0, size);
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = i < kPeriod ? normal(rng) : values[i - kPeriod];
  return values;
}

std::vector<std::uint16_t> as_bf16(std::span<const float> values) {
  std::vector<std::uint16_t> bits(values.size());
  f32_to_bf16(values, bits);
  return bits;
}

Arena room(Context& ctx, std::size_t bytes) {
  auto arena = need(Arena::allocate(
      ctx, (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment));
  arena.take_bytes(bytes);
  return arena;
}

template <class T>
Arena put(Context& ctx, std::span<const T> values) {
  auto arena = room(ctx, values.size_bytes());
  need(kernels::copy_in(ctx, arena.data(), values.data(), values.size_bytes()));
  return arena;
}
template Arena put(Context&, std::span<const float>);
template Arena put(Context&, std::span<const std::uint16_t>);
template Arena put(Context&, std::span<const std::int32_t>);
template Arena put(Context&, std::span<const std::byte>);

template <class T>
std::vector<T> brought(Context& ctx, const void* from, std::size_t count) {
  std::vector<T> values(count);
  need(kernels::copy_out(ctx, values.data(), from, count * sizeof(T)));
  need(kernels::wait(ctx));
  return values;
}
template std::vector<float> brought(Context&, const void*, std::size_t);
template std::vector<std::uint16_t> brought(Context&, const void*, std::size_t);
template std::vector<std::int32_t> brought(Context&, const void*, std::size_t);

Figure beside_gemm(const Bench& bench, std::string name, double rate,
                   std::optional<double> bar) {
  return {.name = std::move(name),
          .value = rate / 1e12,
          .unit = "TFLOP/s",
          .limit = bench.ceilings.gemm / 1e12,
          .peer = {},
          .ratio = rate / bench.ceilings.gemm,
          .bar = bar};
}

void leave_out(const std::string& name, const std::string& why) {
  std::fprintf(stderr, "  %-28s left out: %s\n", name.c_str(), why.c_str());
}

Ceilings ceilings(Context& ctx, Report& report) {
  const Ceilings found{.copy = copy_rate(ctx),
                       .gemm = gemm_rate(ctx),
                       .to_device = to_device_rate(ctx)};
  const auto add = [&](const char* name, double value, const char* unit) {
    report.add({.name = name,
                .value = value,
                .unit = unit,
                .limit = {},
                .peer = {},
                .ratio = {},
                .bar = {}});
  };
  add("ceiling.copy", found.copy / 1e9, "GB/s");
  add("ceiling.gemm_bf16", found.gemm / 1e12, "TFLOP/s");
  add("ceiling.to_device", found.to_device / 1e9, "GB/s");
  return found;
}

}  // namespace troupe::bench
