// What a head and one worker owe each other: attempts out there, starts and
// stops on their way. Pure bookkeeping; refuses what is said of attempts that
// this worker does not have.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "cluster/worker_frames.hpp"

namespace troupe::cluster {

class WorkerWindow {
 public:
  /// `name`: of the worker, before the names of its devices.
  explicit WorkerWindow(std::string name) : prefix_{std::move(name) + '/'} {}

  /// The devices as the scheduler is to know them: those of the hello under
  /// the worker's name, and without kinds those that it does not name any
  /// more. Errors: invalid_argument (a device without name or slots, or twice).
  Result<std::vector<DeviceInfo>> offer(const WorkerHello& hello);
  /// The newest offer, for a restarted scheduler.
  const std::vector<DeviceInfo>& offered() const { return offered_; }

  void assign(std::vector<Assignment> list);
  /// A start that is still here is taken out, and its end is returned; the
  /// other orders travel. `fenced` ends what is known of the token.
  std::vector<AttemptEnd> stop(const std::vector<StopOrder>& orders);
  void drop(const std::vector<ModelDrop>& drops);

  /// What an exchange says, without what this worker has no token for.
  struct News {
    std::vector<AttemptEnd> ended;
    std::vector<ModelDrop> dropped;
    std::vector<LiveEvent> live;
    std::vector<Token> alive;
  };
  News take(WorkerExchange exchange);

  bool has_orders() const {
    return !stops_.empty() || !drops_.empty() || !stale_.empty() ||
           (!starts_.empty() && out_.size() < credit_);
  }
  /// Within the newest exchange's credit and the size of a frame.
  WorkerOrders orders();

  std::size_t waiting() const { return starts_.size(); }
  std::size_t running() const { return out_.size(); }

 private:
  bool is_out(const Token& token) const;
  static AttemptEnd never_begun(const StopOrder& order);

  std::string prefix_;
  std::vector<DeviceInfo> offered_;
  std::deque<Assignment> starts_;         // Not there yet.
  std::unordered_map<JobId, Token> out_;  // There; one attempt a job.
  std::uint32_t credit_ = 0;
  std::vector<StopOrder> stops_;
  std::vector<ModelDrop> drops_;
  std::vector<Token> stale_;
};

}  // namespace troupe::cluster
