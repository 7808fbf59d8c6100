#include "tests/simulation/sim_node.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <array>
#include <fstream>
#include <utility>

#include "actors/event_hub.hpp"
#include "actors/history_reader.hpp"
#include "actors/job_history.hpp"
#include "actors/memory_manager.hpp"
#include "actors/scheduler.hpp"
#include "tests/simulation/fake_executor.hpp"
#include "tests/simulation/workload.hpp"

namespace troupe::simulation {

namespace {

template <class Handle>
Handle handle(const Children& up, const std::string& name) {
  return caf::actor_cast<Handle>(up.at(name));
}

ModelUse use_of(const JobSpec& spec) {
  for (const auto& model : sim_models())
    if (model.name == spec.model)
      return {{{model.name, "weights", model.bytes / 2},
               {model.name, "kv", model.bytes - model.bytes / 2}},
              model.batch};
  return {};
}

}  // namespace

SimNode::SimNode(World& world, NodeDefects defects)
    : world_{world},
      defects_{defects},
      folder_{scratch_folder(
          "sim-" + std::to_string(world.coordinator.random().next()))},
      random_{world.coordinator.fork()} {}

SimNode::~SimNode() {
  crash();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Result<std::unique_ptr<JobStore>> SimNode::open_store() {
  StoreOptions options;
  options.log_buffer_bytes = 4u << 20;
  options.index_buffer_bytes = 1u << 20;
  options.cache_bytes = 1u << 20;
  options.reserve_bytes = 1u << 20;
  options.low_water_bytes = 1u << 20;
  options.file_system = disk_.file_system();
  options.free_bytes = [this] {
    return disk_.fault() == DiskFault::full ? 0 : std::uint64_t{1} << 40;
  };
  return JobStore::open(folder_, options,
                        world_.coordinator.wall_clock().now());
}

Status SimNode::open_again() {
  const auto store = open_store();
  if (!store) return store.error();
  return ok();
}

Status SimNode::open() {
  auto store = open_store();
  if (!store) return store.error();
  store_ = std::move(*store);
  SupervisorOptions supervisor;
  supervisor.children = children();
  supervisor.limits.intensity = 1'000'000;  // Crash loops are not the topic.
  supervisor.clock = &world_.coordinator.steady_clock();
  supervisor_ = caf::actor_cast<caf::actor>(
      spawn_supervisor(world_.coordinator.system(), std::move(supervisor)));
  return ok();
}

ChildSpec SimNode::child(std::string name, std::vector<std::string> uses,
                         std::function<caf::actor(const Children&)> start) {
  ChildSpec spec;
  spec.name = name;
  spec.uses = std::move(uses);
  spec.start = [this, name, start](const Children& up) {
    return running_[name] = start(up);
  };
  return spec;
}

std::vector<ChildSpec> SimNode::children() {
  std::vector<ChildSpec> specs;
  add_history(specs);
  add_scheduling(specs);
  for (const DeviceInfo& device : sim_devices()) add_executor(specs, device);
  return specs;
}

void SimNode::add_history(std::vector<ChildSpec>& specs) {
  auto& sys = world_.coordinator.system();
  specs.push_back(child("history_reader", {}, [this, &sys](const Children&) {
    return caf::actor_cast<caf::actor>(spawn_history_reader(
        sys, {.store = store_.get(), .own_thread = false}));
  }));
  specs.push_back(
      child("event_hub", {"history_reader"}, [this, &sys](const Children& up) {
        EventHubOptions options;
        options.reader = handle<HistoryReaderActor>(up, "history_reader");
        options.limits.ignore_credit = defects_.ignore_credit;
        return caf::actor_cast<caf::actor>(
            spawn_event_hub(sys, std::move(options)));
      }));
  specs.push_back(
      child("job_history", {"event_hub"}, [this, &sys](const Children& up) {
        JobHistoryOptions options;
        options.store = store_.get();
        options.hub = handle<EventHubActor>(up, "event_hub");
        options.clock = &world_.coordinator.wall_clock();
        options.sweep_ms = 1'000;
        options.retention.max_age_ms = kRetentionMs;
        options.own_thread = false;
        options.answer_before_sync = defects_.answer_before_sync;
        return caf::actor_cast<caf::actor>(
            spawn_job_history(sys, std::move(options)));
      }));
}

void SimNode::add_scheduling(std::vector<ChildSpec>& specs) {
  auto& sys = world_.coordinator.system();
  specs.push_back(child("memory_manager", {}, [&sys](const Children&) {
    return caf::actor_cast<caf::actor>(
        spawn_memory_manager(sys, {.devices = sim_devices()}));
  }));
  specs.push_back(
      child("scheduler", {"job_history", "memory_manager"},
            [this, &sys](const Children& up) {
              SchedulerOptions options;
              options.store = store_.get();
              options.history = handle<JobHistoryActor>(up, "job_history");
              options.memory = handle<MemoryManagerActor>(up, "memory_manager");
              options.kinds = sim_kinds();
              options.model_use = [](const JobSpec& spec) -> Result<ModelUse> {
                return use_of(spec);
              };
              options.limits = sim_limits();
              options.devices = sim_devices();
              options.defects = defects_.schedule;
              options.wall = &world_.coordinator.wall_clock();
              options.steady = &world_.coordinator.steady_clock();
              options.random_seed = random_->next() | 1;
              options.own_thread = false;
              return caf::actor_cast<caf::actor>(
                  spawn_scheduler(sys, std::move(options)));
            }));
}

void SimNode::add_executor(std::vector<ChildSpec>& specs,
                           const DeviceInfo& device) {
  specs.push_back(child(device.name, {"scheduler", "event_hub"},
                        [this, device](const Children& up) {
                          return spawn_fake_executor(
                              world_.coordinator.system(),
                              {.world = &world_,
                               .device = device,
                               .scheduler = up.at("scheduler"),
                               .hub = up.at("event_hub")});
                        }));
}

void SimNode::crash() {
  if (!store_) return;
  disk_.cut_power();
  caf::anon_send_exit(supervisor_, caf::exit_reason::kill);
  // Twice: the supervisor may start a child before it hears of its own end.
  for (int round = 0; round < 2; ++round) {
    for (const auto& [name, actor] : running_)
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    while (world_.coordinator.step()) {
    }
  }
  running_.clear();
  supervisor_ = {};
  store_.reset();
  disk_.restore_power(*random_);
}

caf::actor SimNode::child(const std::string& name) const {
  const auto it = running_.find(name);
  return it == running_.end() ? caf::actor{} : it->second;
}

bool SimNode::kill_child(const std::string& name) {
  const auto actor = child(name);
  if (!actor) return false;
  caf::anon_send_exit(actor, caf::exit_reason::kill);
  return true;
}

std::string SimNode::break_disk(Random& random) {
  struct Break {
    DiskFault fault;
    const char* name;
  };
  static constexpr std::array<Break, 3> kBreaks{
      {{DiskFault::full, "full"},
       {DiskFault::io_error, "io_error"},
       {DiskFault::read_only, "read_only"}}};
  const auto& picked = kBreaks[test::below(random, kBreaks.size())];
  disk_.set_fault(picked.fault);
  return picked.name;
}

void SimNode::heal_disk() {
  if (disk_.fault() != DiskFault::power_is_cut)
    disk_.set_fault(DiskFault::none);
}

void SimNode::damage_store() {
  for (const auto& entry :
       std::filesystem::directory_iterator{folder_ / "db"}) {
    if (!entry.path().filename().string().starts_with("MANIFEST")) continue;
    std::fstream file{entry.path(),
                      std::ios::in | std::ios::out | std::ios::binary};
    file.seekg(10);
    const char byte = static_cast<char>(file.get() ^ 0x40);
    file.seekp(10);
    file.put(byte);
  }
}

std::uint64_t SimNode::last_index() const {
  return store_ ? store_->last_index() : 0;
}

void SimNode::check_against(Oracle& oracle) const {
  for (const auto& [id, job] : oracle.jobs()) {
    const auto view = store_->view(id);
    if (!view)
      oracle.violation("job " + to_string(id) +
                       " is not in the store: " + view.error().message);
    else if (view->state != job.state || view->seq != job.seq)
      oracle.violation("the store says " + std::string(to_string(view->state)) +
                       " of job " + to_string(id) + ", the log " +
                       std::string(to_string(job.state)));
  }
  check_listing(oracle);
}

void SimNode::check_forgotten(Oracle& oracle) const {
  for (const auto& [id, job] : oracle.jobs()) {
    const auto view = store_->view(id);
    if (view || view.error().code != Errc::forgotten)
      oracle.violation("job " + to_string(id) +
                       " is past its retention and not forgotten");
  }
}

void SimNode::check_listing(Oracle& oracle) const {
  std::size_t listed = 0;
  ListRequest request{.max_jobs = 37, .brief = true};
  do {
    const auto page = store_->list(request);
    if (!page) return oracle.violation("no listing: " + page.error().message);
    for (const JobView& view : page->jobs) {
      const auto* job = oracle.find(view.spec.id);
      if (job == nullptr || job->state != view.state)
        oracle.violation("the listing is wrong about job " +
                         to_string(view.spec.id));
    }
    listed += page->jobs.size();
    request.before_index = page->next_before_index;
  } while (request.before_index != 0);
  if (listed != oracle.jobs().size())
    oracle.violation("the listing has " + std::to_string(listed) + " of " +
                     std::to_string(oracle.jobs().size()) + " jobs");
}

}  // namespace troupe::simulation
