// What the presses of Ctrl-C on a `run` ask for: the first to cancel the job,
// again and again until the node has answered; a second one to leave, once
// there was time for an answer; a third one to leave whatever happens. Pure.
#pragma once

#include "core/clock.hpp"

namespace troupe {

class CancelOrder {
 public:
  /// From the first press on a node has so long to answer before a second one
  /// leaves.
  static constexpr std::int64_t kAnswerMs = 1'000;

  /// `presses` so far. True: the first ones.
  bool saw(int presses, SteadyMs now);
  /// The presses that were seen.
  int presses() const { return presses_; }

  /// Whether the node is to be told (again).
  bool is_to_be_sent(SteadyMs now) const;
  /// The node answered it, with or without an error.
  void answered(bool taken);
  bool is_answered() const { return answered_; }
  bool is_taken() const { return taken_; }

  bool leaves(SteadyMs now) const;

 private:
  int presses_ = 0;
  SteadyMs first_ms_ = 0;
  bool answered_ = false;
  bool taken_ = false;
};

}  // namespace troupe
