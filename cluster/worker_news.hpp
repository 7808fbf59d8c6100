// What a worker has to tell its head, until it goes out. Ends are kept until
// they are taken; of live events only so many, the newest. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "cluster/worker_frames.hpp"

namespace troupe::cluster {

class WorkerNews {
 public:
  explicit WorkerNews(std::size_t max_live) : max_live_{max_live} {}

  /// An end too long for a frame becomes a failure that says so.
  void ended(AttemptEnd end);
  void dropped(const std::vector<ModelDrop>& drops);
  void live(std::vector<LiveEvent> events);
  void alive(const std::vector<Token>& tokens);
  void clear();

  bool empty() const {
    return ended_.empty() && dropped_.empty() && live_.empty() &&
           alive_.empty();
  }
  /// As much as a frame holds: the ends of attempts not before their live
  /// events.
  WorkerExchange take();
  std::uint64_t live_dropped() const { return live_dropped_; }

 private:
  std::size_t max_live_;
  std::deque<AttemptEnd> ended_;
  std::deque<ModelDrop> dropped_;
  std::deque<LiveEvent> live_;
  std::vector<Token> alive_;
  std::uint64_t live_dropped_ = 0;
};

}  // namespace troupe::cluster
