// A device on which things are timed: memory that holds numbers, ops started as
// one recorded graph, and the rates that nothing on it can beat.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/support/figures.hpp"
#include "kernels/context.hpp"
#include "kernels/tensor.hpp"
#include "models/arena.hpp"

namespace troupe::bench {

inline constexpr int kRounds = 21;

/// Measured in the same run as what is held to them.
struct Ceilings {
  double copy = 0;  // Bytes a second that the device's memory gives and takes.
  double gemm = 0;  // Operations a second of a product in bf16, by cuBLASLt.
  double to_device = 0;  // Bytes a second from pinned memory.
};

/// What every section measures with.
struct Bench {
  Context& ctx;
  Report& report;
  Ceilings ceilings;
  bool hopper = false;  // The Context has Hopper's own kernels.
};

template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}
void need(const Status& status);

double seconds_of(const std::function<void()>& work);

/// Seconds of one run of what `begin` asks the device for, the median of
/// kRounds rounds: `count` runs are recorded and launched as one, so that no
/// start of a kernel counts. `begin` gets 0, 1, …
double seconds_on(Context& ctx, int count,
                  const std::function<Status(int)>& begin);

/// Normally distributed numbers, the same for the same seed; they repeat after
/// a million and some, an odd number.
std::vector<float> normal_numbers(std::size_t count, float size, unsigned seed);
std::vector<std::uint16_t> as_bf16(std::span<const float> values);

/// The device's memory with these numbers in it.
template <class T>
Arena put(Context& ctx, std::span<const T> values);

/// As much of it, uninitialised.
Arena room(Context& ctx, std::size_t bytes);

template <class T>
std::vector<T> brought(Context& ctx, const void* from, std::size_t count);

/// Operations a second beside what a product reaches.
Figure beside_gemm(const Bench& bench, std::string name, double rate,
                   std::optional<double> bar);

/// Prints what was left out, and why.
void leave_out(const std::string& name, const std::string& why);

Ceilings ceilings(Context& ctx, Report& report);

}  // namespace troupe::bench
