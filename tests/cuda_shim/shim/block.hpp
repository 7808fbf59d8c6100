// Runs the blocks of a launch one after another, each of its threads a fiber,
// and keeps the two kinds of waiting apart: the block's barrier and what the
// lanes of a warp do together. Stricter than a device: whoever is named and
// does not come, or comes elsewhere, is an error and no accident.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string_view>

namespace troupe::cuda_shim {

inline constexpr unsigned kWarpLanes = 32;
inline constexpr unsigned kMaxThreads = 1024;
/// What every device of compute capability 8.0 and up gives a block.
inline constexpr std::size_t kMaxSharedBytes = 99 * 1024;

struct Extent {
  unsigned x = 1, y = 1, z = 1;
  unsigned count() const { return x * y * z; }
};

/// What a kernel did that a device must not be asked to do. Says which kernel,
/// block and thread, and where.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Who goes first decides what a missing barrier does: run kernels in each. In
/// the first two a warp goes on as far as it can before another begins, from
/// the first or from the last; in the third all go on by turns.
enum class Order : std::uint8_t { ascending = 1, descending, shuffled };
inline constexpr Order kOrders[] = {Order::ascending, Order::descending,
                                    Order::shuffled};
void set_order(Order order);

struct Launch {
  const char* name = "";
  Extent blocks;
  Extent threads;
  std::size_t shared_bytes = 0;
};

/// Calls body() in every thread of every block. Shared memory begins as NaN in
/// each. Throws Violation; what the kernel had written until then stays.
void run(const Launch& launch, const std::function<void()>& body);

// -- what a thread of a running kernel asks for; all abandon it on a violation

/// A line of a kernel: as a default argument, the caller's.
struct Site {
  const char* file = "";
  int line = 0;

  static Site here(const char* file = __builtin_FILE(),
                   int line = __builtin_LINE()) {
    return {file, line};
  }
  friend bool operator==(const Site& a, const Site& b) {
    return a.line == b.line && std::string_view{a.file} == b.file;
  }
};

void block_barrier(const Site& site);

enum class Together : std::uint8_t { sync = 1, vote, shuffle };

struct Exchange {
  Together what = Together::sync;
  std::uint32_t mask = 0;  // Lanes that take part, the caller's among them.
  std::uint64_t bits = 0;  // What the caller brings.
  unsigned source = 0;     // The lane whose bits it wants; shuffles only.
};
struct Exchanged {
  std::uint64_t bits = 0;     // The source's.
  std::uint32_t nonzero = 0;  // Lanes of the mask whose bits are not 0.
};
Exchanged meet(const Exchange& mine, const Site& site);

unsigned lane_here();
/// The block's dynamic shared memory, of which the kernel uses `bytes`.
void* shared_memory(std::size_t bytes, const Site& site);

}  // namespace troupe::cuda_shim
