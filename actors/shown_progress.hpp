// Which progress of attempts is told: not every step's, but each new part of
// the work at once. Adds the rate of a load, which only a clock knows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>

#include "core/live.hpp"

namespace troupe {

class ShownProgress {
 public:
  /// `interval_ms` between two of a part; 0: all are told.
  explicit ShownProgress(std::int64_t interval_ms)
      : interval_ms_{interval_ms} {}

  /// Whether to tell it; what is no progress always. REQUIRES: its time is set.
  bool take(LiveEvent& event) {
    if (event.type != LiveType::progress) return true;
    auto& progress = *event.progress;
    auto& last = last_[event.job];
    if (!same_part(progress, last.part)) {
      last = {event.time_ms, event.time_ms, progress};
      return true;
    }
    if (event.time_ms - last.ms < interval_ms_) return false;
    last.ms = event.time_ms;
    if (progress.phase == Phase::loading && progress.done && last.part.done)
      progress.rate_per_s =
          static_cast<double>(*progress.done - *last.part.done) * 1e3 /
          static_cast<double>(std::max<UnixMs>(last.ms - last.began_ms, 1));
    return true;
  }

  void forget(JobId job) { last_.erase(job); }

 private:
  struct Last {
    UnixMs ms = 0;
    UnixMs began_ms = 0;
    Progress part;  // Where it began.
  };

  std::int64_t interval_ms_;
  std::unordered_map<JobId, Last> last_;
};

}  // namespace troupe
