// Everybody outside the node in one actor: clients that submit, ask again
// while an outcome is open, cancel and give orders, and one follower that
// pulls the whole log with credit. Tells the oracle all it hears.
#pragma once

#include <caf/event_based_actor.hpp>

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "actors/protocol.hpp"
#include "tests/simulation/oracle.hpp"
#include "tests/simulation/workload.hpp"
#include "tests/simulation/world.hpp"

namespace troupe::simulation {

/// Who runs now, by the names of the node's children; null: nobody.
using Directory = std::function<caf::actor(const std::string&)>;

/// Methods are called by the driver, between steps of the system.
class SimClient : public caf::event_based_actor {
 public:
  /// `world` and `oracle` outlive this.
  SimClient(caf::actor_config& config, World& world, Oracle& oracle,
            Directory directory);

  caf::behavior make_behavior() override;

  void submit(std::vector<Work> works);
  /// Submits anew what has no final answer yet.
  void submit_open();
  /// A known id with other content: must be refused.
  void submit_impostor();
  void cancel(std::vector<JobId> jobs, const std::string& tenant);
  void control(ControlRequest request);
  void explain(JobId job);
  void show(JobId job);
  /// One pull of one job's events, from a place that the seed picks.
  void look_at(JobId job);
  void read_ledgers();

  std::size_t open() const { return open_.size(); }
  /// Requests without an answer, the follower's pull aside.
  std::size_t in_flight() const { return in_flight_; }
  /// Ends the follower's pulls, for good.
  void stop_following() { following_ = false; }

 private:
  template <class Handle>
  Handle find(const std::string& child) const;
  template <class Reply, class Handle, class Then, class... Ts>
  void ask(const std::string& child, Then then, std::function<void(Error)> fail,
           Ts... xs);
  void on_submitted(const std::vector<Work>& works, const SubmitReply& reply);
  void on_answer(const Work& work, const SubmitAnswer& answer);
  void on_refused(const Work& work, const Error& error);
  void on_cancelled(const CancelReply& reply);
  void on_error(const Error& error);
  void pull();
  void on_pulled(const PullRequest& request, const PullReply& reply);
  void pull_again(std::int64_t wait_ms);

  World& world_;
  Oracle& oracle_;
  Directory directory_;
  std::unique_ptr<Random> random_;
  std::deque<Work> open_;
  std::vector<JobSpec> accepted_;
  std::size_t in_flight_ = 0;
  bool following_ = true;
};

}  // namespace troupe::simulation
