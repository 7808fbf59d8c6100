// What the clients of a simulated run ask for: jobs of three made-up kinds,
// most of them in order, some with a fault that the node must name.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "actors/schedule.hpp"
#include "core/kind.hpp"
#include "tests/simulation/oracle.hpp"
#include "tests/simulation/world.hpp"

namespace troupe::simulation {

/// sim.work, sim.effect (with outside effects) and sim.text (with a model).
/// Parameters: a JSON object; {"bad":true} is a fault.
const Kinds& sim_kinds();

/// Two devices of one class, of which one serves no sim.effect.
std::vector<DeviceInfo> sim_devices();

/// That sim.text jobs use: of different sizes and batches.
std::vector<SharedModel> sim_models();

/// Shorter than a real node's, so that a run meets all of them.
SchedulerLimits sim_limits();

struct Work {
  JobSpec spec;
  std::optional<Errc> refusal;  // The only answer allowed.
};

class Workload {
 public:
  /// Both outlive this.
  Workload(World& world, const Oracle& oracle);

  /// The next job somebody submits.
  Work next();

 private:
  JobSpec plain();
  void depend(JobSpec& spec);
  void limit(JobSpec& spec);
  std::optional<Errc> spoil(JobSpec& spec);
  std::optional<Errc> depend_on_too_many(JobSpec& spec);

  World& world_;
  const Oracle& oracle_;
  std::unique_ptr<Random> random_;
  std::unique_ptr<Random> id_random_;
  JobIdGenerator ids_;
  std::vector<JobId> made_;
};

}  // namespace troupe::simulation
