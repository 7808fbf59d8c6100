// Ctrl-C as a question that a loop asks itself, for as long as this lives.
#pragma once

#include <signal.h>

#include <cstdint>

namespace troupe {

/// A loop waits no longer before it asks.
constexpr std::int64_t kInterruptStepMs = 200;

/// At most one counts at a time; afterwards Ctrl-C means what it did before.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  /// How often Ctrl-C was pressed (or SIGTERM sent) so far.
  int count() const;

 private:
  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

}  // namespace troupe
