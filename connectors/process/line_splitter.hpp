// Turns a program's output, as it comes in pieces, into lines of valid UTF-8.
// Knows nothing of what the lines say.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace troupe {

/// A line longer than this is cut and carries a note of what is missing.
inline constexpr std::size_t kMaxLineBytes = 64 * 1024;

/// One stream. Lines end at "\n", "\r" and "\r\n"; a partial line waits for
/// its end. Holds at most kMaxLineBytes.
class LineSplitter {
 public:
  using Emit = std::function<void(std::string line)>;

  void push(std::string_view bytes, const Emit& emit);
  /// The stream has ended: a partial line is one after all.
  void finish(const Emit& emit);
  /// The partial line that waits for its end.
  std::string_view pending() const { return line_; }

 private:
  void add(std::string_view bytes);
  void end_line(const Emit& emit);

  std::string line_;
  std::size_t cut_bytes_ = 0;
  bool after_return_ = false;  // A "\n" now belongs to the line before.
};

}  // namespace troupe
