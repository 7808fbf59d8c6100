// Reads that the threads of a Context share, each the next one that is left.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "core/result.hpp"
#include "kernels/context.hpp"

namespace troupe {

/// Calls read(reader, i), a Status, for each i of [0, count), on up to
/// `readers` threads of `ctx`; a reader makes one call at a time. After an
/// error nothing new is begun. Errors: that of the least i that failed.
/// REQUIRES: `read` does not throw; readers >= 1.
template <class Read>
Status read_on_team(const Context& ctx, std::size_t readers, std::size_t count,
                    const Read& read) {
  std::vector<Status> outcomes(count, ok());
  std::atomic<std::size_t> next{0};
  ctx.split(static_cast<std::int64_t>(readers), [&](std::int64_t reader) {
    for (auto i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      outcomes[i] = read(static_cast<std::size_t>(reader), i);
      if (!outcomes[i]) next = count;
    }
  });
  for (auto& outcome : outcomes)
    if (!outcome) return outcome;
  return ok();
}

}  // namespace troupe
