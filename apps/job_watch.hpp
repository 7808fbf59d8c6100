// What a follower of one job knows so far, and the lines that show it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/render/bar.hpp"
#include "core/api.hpp"

namespace troupe {

/// Which lines a follower wants.
enum class WatchLines : std::uint8_t {
  all = 1,  // Moves, notes, and progress every ten percent.
  moves,    // Of an attempt: where it runs, and that it is to be repeated.
  repeats,  // Only the latter.
};

/// "attempt 1 is to be repeated as attempt 2: WHY".
std::string repeat_text(std::uint32_t attempt, const std::string& why);

class JobWatch {
 public:
  /// Without `tells_silence` a `quiet` note is no line.
  explicit JobWatch(JobState state, bool tells_silence = true)
      : state_{state}, tells_silence_{tells_silence} {}

  /// Takes in what happened and returns what of it is worth a line of its own.
  /// Live events may be quicker than the start of their attempt, which is told
  /// first.
  std::vector<std::string> apply(const PullReply& batch, UnixMs now,
                                 WatchLines wanted = WatchLines::all);

  /// One line for a terminal.
  std::string line(const render::BarStyle& style, UnixMs now) const;

  JobState state() const { return state_; }
  /// The newest whose start is known for certain.
  std::uint32_t attempt() const { return attempt_; }
  const std::optional<JobEnd>& end() const { return end_; }

 private:
  void moved(const Change& change, WatchLines wanted,
             std::vector<std::string>& lines);
  void begin_attempt(std::uint32_t attempt, UnixMs time_ms);
  void tell_progress(WatchLines wanted, std::vector<std::string>& lines);
  Progress filled(UnixMs now) const;

  JobState state_;
  bool tells_silence_;
  std::uint32_t attempt_ = 0;  // Whose start was told.
  // Of the newest attempt that was heard of, which may be a later one.
  std::uint32_t live_attempt_ = 0;
  UnixMs attempt_began_ms_ = 0;
  UnixMs part_began_ms_ = 0;  // Of the work: a load, a prompt, an answer.
  Progress progress_;
  int told_tens_ = 0;
  std::string last_line_;
  std::string why_waiting_;
  std::optional<JobEnd> end_;
};

/// A note for people: "no output for 30 s", "cancel requested by ann".
std::string note_text(const Note& note);

/// A remark in the place of `lost` live events, lines or progress.
std::string gap_text(std::uint64_t lost);

/// "42%  executing  42/100 step": what is known of it.
std::string progress_text(const Progress& progress);

/// How it ended, for people: state, time, files or failure with the last
/// lines of its log.
std::string end_text(const JobView& job);

}  // namespace troupe
