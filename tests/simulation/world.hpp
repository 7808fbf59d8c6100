// What everybody in one simulated run shares: the seed's choices, the switch
// that ends all faults, and the count of what occurred.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "core/result.hpp"
#include "tests/support/sim_coordinator.hpp"

namespace troupe::simulation {

/// What occurred, by name: "fault:executor_crash", "errc:not_found", ...
using Coverage = std::map<std::string, std::uint64_t>;

struct World {
  explicit World(std::uint64_t seed) : coordinator{seed} {}

  void fault(const std::string& name) { ++coverage["fault:" + name]; }
  void error(Errc code) { ++coverage["errc:" + std::string(to_string(code))]; }

  test::SimCoordinator coordinator;
  bool faults = true;
  Coverage coverage;
};

}  // namespace troupe::simulation
