// One simulated life of a whole node: clients, orders, faults and the node's
// real actors over a real store, in one thread, decided by one seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/sim_node.hpp"
#include "tests/simulation/world.hpp"

namespace troupe::simulation {

struct SimulationOptions {
  std::uint64_t seed = 1;
  std::size_t submits = 200;  // At least.
  /// All must have ended so long after the last fault. The default is far
  /// beyond the longest deadline, back-off and pause of the workload.
  std::int64_t end_within_ms = 30 * 60'000;
  bool print = false;   // The log, as the follower sees it.
  NodeDefects defects;  // Planted, to prove the proof.
};

struct SimulationReport {
  std::vector<std::string> violations;
  std::uint64_t log_hash = 0;
  std::uint64_t log_entries = 0;
  std::uint64_t steps = 0;
  std::int64_t simulated_ms = 0;
  Coverage coverage;

  /// The line that replays the run.
  std::string replay;
};

/// Ends at the first violation.
SimulationReport simulate(const SimulationOptions& options);

/// `TROUPE_SIM_SEED=7 build/tests/simulation_tests --gtest_filter=...`
std::string replay_line(std::uint64_t seed);

/// Over all seeds every legal move, fault, error code and failure class must
/// occur, but for those that cannot, which must not: what is not so.
std::vector<std::string> wrong_with(const Coverage& coverage);

}  // namespace troupe::simulation
