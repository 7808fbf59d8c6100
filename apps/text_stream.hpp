// What a follower of a text job has been shown of its first answer. Live
// events may be lost and may come again with a later attempt: shows each piece
// once and in its place, and at the end what is missing; further answers of the
// job then follow, each under its number. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/live.hpp"

namespace troupe {

class TextStream {
 public:
  /// Of a job that gives so many answers: of several each has a line above it,
  /// "[2 of 3]".
  explicit TextStream(std::int64_t answers) : answers_{answers} {}
  TextStream() : TextStream{1} {}

  /// What is new of it. Behind a gap, which a piece of text tells by what it
  /// follows, it gives nothing more of that attempt.
  std::string take(const LiveEvent& event);

  /// The job has succeeded with `result` (JSON): what is left of its text, with
  /// a line's end. A text of which something else was shown is given anew, on a
  /// line of its own. Then the other answers, a blank line before each.
  std::string rest(const std::string& result) const;

  /// All that was given of the answer: its beginning, without gaps.
  const std::string& shown() const { return shown_; }
  bool has_shown() const { return !shown_.empty(); }

 private:
  void begin(std::uint32_t attempt);

  std::int64_t answers_;
  std::string shown_;
  // Of the attempt at hand:
  std::uint32_t attempt_ = 0;
  std::uint64_t index_ = 0;  // Tokens that were said.
  std::size_t said_ = 0;  // Bytes of them; up to there it agrees with shown_.
  bool whole_ = true;     // It has no gap, and says what was shown.
};

/// What a text job's parameters (JSON) ask for; 1 where they do not say.
std::int64_t answers_asked(const std::string& params);

/// A text for standard output: as it is or, where people read it, with what
/// moves a cursor made visible; lines stay lines.
std::string text_for(std::string_view text, bool on_terminal);

}  // namespace troupe
