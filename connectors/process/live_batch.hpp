// Gathers the lines and the progress of one attempt into few live events:
// people read ten a second, a program may print a million. Pure.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "core/live.hpp"

namespace troupe {

// Of one batch; the oldest lines go first, and a line says how many went.
inline constexpr std::size_t kMaxLiveLines = 100;
inline constexpr std::size_t kMaxLiveBytes = 32 * 1024;
inline constexpr std::size_t kMaxLiveLineBytes = 2 * 1024;

class LiveBatch {
 public:
  LiveBatch(JobId job, std::uint32_t attempt) : job_{job}, attempt_{attempt} {}

  void add_line(std::string_view stream, std::string_view text, UnixMs now);
  void set_progress(const Progress& progress);
  /// Told with the next progress, and by itself when there is none.
  void set_phase(Phase phase);

  bool empty() const { return lines_.empty() && !progress_changed_; }
  /// Lines in order, then the newest progress. Empties the batch.
  std::vector<LiveEvent> take(UnixMs now);

 private:
  LiveEvent event(UnixMs time, LiveType type) const;

  JobId job_;
  std::uint32_t attempt_;
  std::deque<LiveEvent> lines_;
  std::size_t line_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  Progress progress_;
  bool progress_changed_ = false;
};

}  // namespace troupe
