// Ctrl-C as a question that a loop asks itself, for as long as this lives.
#pragma once

namespace troupe {

/// At most one at a time. Afterwards Ctrl-C ends the process again.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  /// How often Ctrl-C was pressed (or SIGTERM sent) so far.
  int count() const;
};

}  // namespace troupe
