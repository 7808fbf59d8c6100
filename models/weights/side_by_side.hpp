// Reads that several threads share, each the next one that is left.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

#include "core/result.hpp"

namespace troupe {

/// More than there are cores: past the system's cache a disk is at its full
/// rate only when it has several reads before it, and who reads waits.
inline constexpr std::size_t kDiskReaders = 8;

/// Calls read(reader, i), a Status, for each i of [0, count), on `readers`
/// threads or fewer, of which the caller is one; a reader makes one call at a
/// time. After an error nothing new is begun. Errors: that of the least i that
/// failed. REQUIRES: `read` does not throw; readers >= 1.
template <class Read>
Status read_side_by_side(std::size_t readers, std::size_t count,
                         const Read& read) {
  std::vector<Status> outcomes(count, ok());
  std::atomic<std::size_t> next{0};
  const auto work = [&](std::size_t reader) {
    for (auto i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      outcomes[i] = read(reader, i);
      if (!outcomes[i]) next = count;
    }
  };
  // A thread's stack is not to be had while another one's read makes memory
  // present: all are there before the first of them reads.
  std::atomic<bool> all_are_there{false};
  const auto work_with_all = [&](std::size_t reader) {
    all_are_there.wait(false);
    work(reader);
  };
  std::vector<std::jthread> others;
  try {
    for (std::size_t reader = 1; reader < std::min(readers, count); ++reader)
      others.emplace_back(work_with_all, reader);
  } catch (const std::system_error&) {
    // No more threads are to be had: fewer read.
  }
  all_are_there = true;
  all_are_there.notify_all();
  work(0);
  others.clear();  // Joins them.
  for (auto& outcome : outcomes)
    if (!outcome) return outcome;
  return ok();
}

}  // namespace troupe
