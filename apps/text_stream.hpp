// What a follower of a text job has been shown of its first answer. Live
// events may be lost and may come again with a later attempt: shows each piece
// once, and at the end what is missing. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "core/live.hpp"

namespace troupe {

class TextStream {
 public:
  /// What is new of it; nothing for events of another sort.
  std::string take(const LiveEvent& event);

  /// The job has succeeded with `result` (JSON): what is left of its text. A
  /// text of which something else was shown is given anew, on a line of its
  /// own.
  std::string rest(const std::string& result) const;

  bool has_shown() const { return !shown_.empty(); }

 private:
  std::string shown_;
  std::uint64_t index_ = 0;  // Tokens that were shown.
};

}  // namespace troupe
