// Lines of a pipe or a file, read with an eye on interrupts.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace troupe {

class LineInput {
 public:
  /// `fd` stays open, and outlives it.
  explicit LineInput(int fd) : fd_{fd} {}

  /// The next line, without its end; the last one may lack it. Nothing: the
  /// input has ended, or cannot be read. `stops` is asked while there is
  /// nothing to read, every kInterruptStepMs at least; true: nothing, too.
  std::optional<std::string> next(const std::function<bool()>& stops);

 private:
  std::optional<std::string> take_line();

  int fd_;
  std::string read_;
  bool ended_ = false;
};

}  // namespace troupe
