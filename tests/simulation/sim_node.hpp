// The node under simulation: its real actors over a real store, under its real
// supervisor, with executors that the seed drives. Can lose any actor, its
// disk, its power or all at once.
#pragma once

#include <caf/actor.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "actors/schedule.hpp"
#include "actors/supervisor.hpp"
#include "persistence/job_store.hpp"
#include "tests/simulation/faulty_disk.hpp"
#include "tests/simulation/oracle.hpp"
#include "tests/simulation/world.hpp"

namespace troupe::simulation {

/// What is broken on purpose: each must be found.
struct NodeDefects {
  bool answer_before_sync = false;
  bool ignore_credit = false;
  ScheduleDefects schedule;
};

/// Jobs are kept so long after their end.
inline constexpr std::int64_t kRetentionMs = 3 * 60 * 60'000;

class SimNode {
 public:
  /// `world` outlives this.
  SimNode(World& world, NodeDefects defects);
  /// Removes the data folder.
  ~SimNode();

  /// Opens the store and starts all actors.
  Status open();
  /// As a second process on the same folder would: must not succeed.
  Status open_again();
  /// Ends all at once, as a kill or a power cut does: nothing is told to
  /// anybody, and what was not synced may be gone.
  void crash();
  bool is_up() const { return store_ != nullptr; }

  /// Null while it does not run.
  caf::actor child(const std::string& name) const;
  /// False: it does not run.
  bool kill_child(const std::string& name);

  /// The fault's name.
  std::string break_disk(Random& random);
  void heal_disk();

  /// A bit of its newest manifest changes. REQUIRES: not up.
  void damage_store();

  std::uint64_t last_index() const;
  /// The store must have forgotten every job, and say so.
  void check_forgotten(Oracle& oracle) const;
  /// The store must say what the oracle saw.
  void check_against(Oracle& oracle) const;

 private:
  void check_listing(Oracle& oracle) const;
  Result<std::unique_ptr<JobStore>> open_store();
  std::vector<ChildSpec> children();
  void add_history(std::vector<ChildSpec>& specs);
  void add_scheduling(std::vector<ChildSpec>& specs);
  void add_executor(std::vector<ChildSpec>& specs, const DeviceInfo& device);
  /// Remembers who runs under `name`.
  ChildSpec child(std::string name, std::vector<std::string> uses,
                  std::function<caf::actor(const Children&)> start);

  World& world_;
  NodeDefects defects_;
  std::filesystem::path folder_;
  FaultyDisk disk_;
  std::unique_ptr<Random> random_;
  std::unique_ptr<JobStore> store_;
  caf::actor supervisor_;
  std::map<std::string, caf::actor> running_;
};

}  // namespace troupe::simulation
