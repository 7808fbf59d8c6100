#include "tests/simulation/simulation.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include "tests/simulation/oracle.hpp"
#include "tests/simulation/sim_client.hpp"
#include "tests/simulation/workload.hpp"

namespace troupe::simulation {

namespace {

using test::below;
using test::chance;

constexpr std::size_t kCrashesOfActors = 3;  // At least.
constexpr std::int64_t kIdleStepMs = 100;
constexpr int kSettleSteps = 200'000;

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options)
      : options_{options},
        world_{options.seed},
        oracle_{oracle_options(options)},
        node_{world_, options.defects},
        workload_{world_, oracle_},
        random_{world_.coordinator.fork()} {}

  SimulationReport run() {
    open_node();
    client_handle_ = world_.coordinator.system().spawn<SimClient>(
        world_, oracle_,
        [this](const std::string& name) { return node_.child(name); });
    client_ = static_cast<SimClient*>(
        caf::actor_cast<caf::abstract_actor*>(client_handle_));
    crashes_often_ = chance(*random_, 15);
    while (good() && !had_enough()) {
      if (chance(*random_, 4)) act();
      step();
    }
    if (good()) recover();
    if (good()) finish();
    return report();
  }

 private:
  static OracleOptions oracle_options(const SimulationOptions& options) {
    return {.devices = sim_devices(),
            .models = sim_models(),
            .ageing_step_ms = sim_limits().ageing_step_ms,
            .print = options.print};
  }

  bool good() const { return oracle_.violations().empty(); }

  bool had_enough() const {
    return submitted_ >= options_.submits && crashes_ >= kCrashesOfActors;
  }

  // -- time -------------------------------------------------------------------

  void step() {
    ++steps_;
    if (world_.coordinator.step()) return;
    const auto wait = world_.coordinator.until_next_timer_ms();
    advance(std::min(wait.value_or(kIdleStepMs), kIdleStepMs));
  }

  void advance(std::int64_t ms) {
    world_.coordinator.advance(ms);
    if (reopen_at_ms_ && world_.coordinator.now_ms() >= *reopen_at_ms_)
      open_node();
    if (heal_at_ms_ && world_.coordinator.now_ms() >= *heal_at_ms_) heal();
  }

  void settle() {
    for (int i = 0; i < kSettleSteps; ++i, ++steps_)
      if (!world_.coordinator.step()) return;
    oracle_.violation("the actors never come to rest");
  }

  // -- what happens to the node -----------------------------------------------

  void act() {
    const auto draw = below(*random_, 1'000);
    if (draw < 560) return submit();
    if (draw < 640) return client_->submit_open();
    if (draw < 660) return client_->submit_impostor();
    if (draw < 730) return cancel();
    if (draw < 780) return client_->explain(any_job());
    if (draw < 820) return client_->show(any_job());
    if (draw < 850) return client_->look_at(any_job());
    if (draw < 900) return client_->read_ledgers();
    if (draw < 930) return order();
    if (draw < 975 && !crashes_often_) return kill_child();
    if (draw < 988 && !crashes_often_) return break_disk();
    if (draw < 992) return open_second_node();
    crash_node();
  }

  void submit() {
    std::vector<Work> works;
    const auto count = 1 + below(*random_, 6);
    for (std::uint64_t i = 0; i < count; ++i) works.push_back(workload_.next());
    submitted_ += works.size();
    client_->submit(std::move(works));
  }

  JobId any_job() {
    const auto& jobs = oracle_.jobs();
    if (jobs.empty() || chance(*random_, 5)) return {1, below(*random_, 100)};
    auto it = jobs.begin();
    std::advance(it, below(*random_, jobs.size()));
    return it->first;
  }

  void cancel() {
    const JobId id = any_job();
    const auto* job = oracle_.find(id);
    std::string tenant;  // An administrator's.
    if (job != nullptr && chance(*random_, 60)) tenant = job->spec.tenant;
    if (chance(*random_, 5)) tenant = "mallory";
    client_->cancel({id}, tenant);
  }

  void order() {
    ControlRequest request;
    request.verb = chance(*random_, 45)   ? ControlVerb::pause
                   : chance(*random_, 80) ? ControlVerb::resume
                                          : ControlVerb::drain;
    request.by = "admin";
    if (chance(*random_, 40)) request.kind = "sim.effect";
    if (request.kind.empty() && chance(*random_, 60)) request.device = "sim1";
    world_.fault("order_" + std::string(to_string(request.verb)));
    client_->control(std::move(request));
  }

  void kill_child() {
    static constexpr std::array<const char*, 7> kNames{
        "scheduler",      "job_history", "event_hub", "history_reader",
        "memory_manager", "sim0",        "sim1"};
    const std::string name = kNames[below(*random_, kNames.size())];
    if (!node_.kill_child(name)) return;
    ++crashes_;
    world_.fault("kill_" + name);
  }

  void break_disk() {
    if (!node_.is_up() || heal_at_ms_) return;
    world_.fault("disk_" + node_.break_disk(*random_));
    heal_at_ms_ = world_.coordinator.now_ms() +
                  static_cast<std::int64_t>(below(*random_, 8'000));
  }

  void heal() {
    heal_at_ms_.reset();
    node_.heal_disk();
  }

  void crash_node() {
    if (!node_.is_up()) return;
    world_.fault("node_crash");
    ++crashes_;
    node_.crash();
    heal_at_ms_.reset();
    reopen_at_ms_ = world_.coordinator.now_ms() +
                    static_cast<std::int64_t>(below(*random_, 20'000));
  }

  void open_second_node() {
    if (!node_.is_up()) return;
    world_.fault("second_node");
    const auto opened = node_.open_again();
    if (opened) return oracle_.violation("two nodes on one data folder");
    world_.error(opened.error().code);
  }

  void open_node() {
    reopen_at_ms_.reset();
    const auto opened = node_.open();
    if (!opened)
      return oracle_.violation("the node does not open: " +
                               opened.error().message);
    if (node_.last_index() < oracle_.last_index())
      oracle_.violation(
          "the follower saw entry " + std::to_string(oracle_.last_index()) +
          ", the store begins after " + std::to_string(node_.last_index()));
  }

  // -- the end ----------------------------------------------------------------

  void recover() {
    world_.faults = false;
    if (reopen_at_ms_) open_node();
    heal();
    const auto give_up = world_.coordinator.now_ms() + options_.end_within_ms;
    std::int64_t next_order = 0;
    while (good() && world_.coordinator.now_ms() < give_up) {
      if (client_->open() == 0 && client_->in_flight() == 0 &&
          oracle_.last_index() == node_.last_index() && oracle_.live() == 0)
        return;
      if (world_.coordinator.now_ms() >= next_order) {
        next_order = world_.coordinator.now_ms() + 2'000;
        client_->submit_open();
        resume_all();
      }
      step();
    }
  }

  void resume_all() {
    client_->control({ControlVerb::resume, "", "", "admin"});
    client_->control({ControlVerb::resume, "sim.effect", "", "admin"});
    client_->control({ControlVerb::resume, "", "sim1", "admin"});
  }

  void finish() {
    for (int i = 0; i < 50; ++i) {
      settle();
      advance(kIdleStepMs);
    }
    oracle_.check_finished();
    client_->read_ledgers();
    settle();
    node_.check_against(oracle_);
    forget();
  }

  // Retention removes what ended long ago; who asks is told so.
  void forget() {
    client_->stop_following();
    advance(kRetentionMs + 60'000);
    for (int i = 0; i < 50; ++i) {
      settle();
      advance(1'000);
    }
    client_->show(oracle_.jobs().begin()->first);
    client_->cancel({oracle_.jobs().begin()->first}, "");
    settle();
    node_.check_forgotten(oracle_);
    if (good() && chance(*random_, 10)) damage();
  }

  // The last that happens to the store: whoever opens it is told.
  void damage() {
    world_.fault("damaged_store");
    client_->stop_following();
    node_.crash();
    node_.damage_store();
    const auto opened = node_.open();
    if (opened) return oracle_.violation("a damaged store was opened");
    world_.error(opened.error().code);
  }

  SimulationReport report() {
    SimulationReport report;
    report.violations = oracle_.violations();
    report.log_hash = oracle_.log_hash();
    report.log_entries = oracle_.last_index();
    report.steps = steps_;
    report.simulated_ms = world_.coordinator.now_ms();
    report.coverage = world_.coverage;
    for (const auto& move : oracle_.moves()) ++report.coverage["move:" + move];
    // Of an attempt whose device went: no client is told, its record is.
    if (oracle_.devices_lost() > 0)
      report.coverage["errc:device_lost"] += oracle_.devices_lost();
    for (const auto klass : oracle_.failure_classes())
      ++report.coverage["class:" + std::string(to_string(klass))];
    report.replay = replay_line(options_.seed);
    client_->stop_following();
    node_.crash();
    caf::anon_send_exit(client_handle_, caf::exit_reason::kill);
    settle();
    return report;
  }

  SimulationOptions options_;
  World world_;
  Oracle oracle_;
  SimNode node_;
  Workload workload_;
  std::unique_ptr<Random> random_;
  caf::actor client_handle_;
  SimClient* client_ = nullptr;
  std::size_t submitted_ = 0;
  std::size_t crashes_ = 0;
  bool crashes_often_ = false;  // The node as a whole, not its actors.
  std::uint64_t steps_ = 0;
  std::optional<std::int64_t> reopen_at_ms_;
  std::optional<std::int64_t> heal_at_ms_;
};

}  // namespace

std::string replay_line(std::uint64_t seed) {
  return "TROUPE_SIM_SEED=" + std::to_string(seed) +
         " build/tests/simulation_tests --gtest_filter=Simulation.ReplaysASeed";
}

SimulationReport simulate(const SimulationOptions& options) {
  return Simulation{options}.run();
}

}  // namespace troupe::simulation
