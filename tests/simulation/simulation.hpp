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
  bool print = false;         // The log, as the follower sees it.
  NodeDefects defects;        // Planted, to prove the proof.
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

/// What must occur over all seeds, or the run proves too little.
std::vector<std::string> missing_from(const Coverage& coverage);

}  // namespace troupe::simulation
