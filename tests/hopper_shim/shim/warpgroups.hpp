// Runs Hopper kernels as tests/cuda_shim runs plain ones (block.hpp, whose
// functions are defined anew here), and knows what they wait for beside the
// block's barrier: barriers in shared memory, barriers among warps, copies and
// products that happen in the background, as late as they may or at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "tests/cuda_shim/shim/block.hpp"

namespace troupe::cuda_shim {

/// What happens in the background: as soon as it is asked for, or not before
/// somebody cannot go on without it.
enum class Background : std::uint8_t { at_once = 1, at_last };
void set_background(Background copies, Background products);
Background background_products();

/// What a launch of a Hopper kernel may ask for.
inline constexpr std::size_t kMaxHopperSharedBytes = 227 * 1024;

// -- what a thread of a running kernel asks for -------------------------------

/// Goes on once done() says so.
void wait_until(std::string what, std::function<bool()> done, const Site& site);

/// To happen in the background.
void copy_later(std::function<void()> copy);

/// Until nobody else of the block can go on, and no copy is left to happen.
void wait_for_the_others(const Site& site);

/// Ends the launch with a Violation.
[[noreturn]] void violate(const std::string& what, const Site& site);

unsigned thread_here();

/// Shared memory as the instructions address it: from 0, a window of 256 KiB.
std::uint32_t shared_offset(const void* at);
/// REQUIRES of the kernel: the bytes lie in the block's shared memory.
std::byte* shared_bytes(std::uint32_t offset, std::size_t count);

/// Barrier `id` of 16, for `threads`; `waits`: until all have come.
void come_to(int id, int threads, bool waits, const Site& site);

/// What one warpgroup's threads have been given; the sum over the block may
/// not pass the multiprocessor's.
void set_registers(int count, const Site& site);

}  // namespace troupe::cuda_shim
