#include "apps/node_children.hpp"

#include <caf/send.hpp>

#include <memory>
#include <stdexcept>

#include "actors/artifacts.hpp"
#include "actors/console.hpp"
#include "actors/event_hub.hpp"
#include "actors/history_reader.hpp"
#include "actors/inference.hpp"
#include "actors/instant.hpp"
#include "actors/job_history.hpp"
#include "actors/memory_manager.hpp"
#include "actors/scheduler.hpp"
#include "apps/child_handles.hpp"
#include "apps/device_children.hpp"
#include "apps/model_uses.hpp"
#include "cluster/pki.hpp"
#include "connectors/process/attempt_files.hpp"
#include "connectors/process/process_executor.hpp"
#include "kinds/kinds.hpp"
#include "platform/answering.hpp"

namespace troupe {
namespace {

/// So long the scheduler waits for the file system of a model's folder.
constexpr std::int64_t kFolderAnswersMs = 2'000;

DeviceInfo serving(DeviceInfo device, std::vector<std::string> kinds) {
  device.kinds = std::move(kinds);
  return device;
}

EventLimits event_limits(const EventConfig& c) {
  EventLimits limits;
  limits.ring_entries = static_cast<std::size_t>(c.ring_entries);
  limits.ring_bytes = static_cast<std::size_t>(c.ring_bytes);
  limits.live_events = static_cast<std::size_t>(c.live_events);
  limits.live_bytes = static_cast<std::size_t>(c.live_bytes);
  limits.token_bytes = static_cast<std::size_t>(c.token_bytes);
  limits.max_wait_ms = c.max_wait_ms;
  return limits;
}

ChildSpec history_reader(NodeParts& p) {
  return {.name = "history_reader", .start = [&p](const Children&) {
            return any_handle(spawn_history_reader(p.sys, {.store = &p.store}));
          }};
}

ChildSpec event_hub(NodeParts& p) {
  return {.name = "event_hub",
          .start =
              [&p](const Children& c) {
                return any_handle(spawn_event_hub(
                    p.sys, {.reader = child_named<HistoryReaderActor>(
                                c, "history_reader"),
                            .limits = event_limits(p.config.event),
                            .last_index = p.store.last_index()}));
              },
          .uses = {"history_reader"}};
}

ChildSpec artifacts(NodeParts& p) {
  return {.name = "artifacts", .start = [&p](const Children&) {
            return any_handle(spawn_artifacts(
                p.sys, {.files = &p.files,
                        .store = &p.store,
                        .upload_expiry_ms = p.config.artifact.upload_expiry_ms,
                        .clear_job = [&p](JobId id) {
                          remove_logs(p.data / "process", id);
                        }}));
          }};
}

ChildSpec job_history(NodeParts& p) {
  return {
      .name = "job_history",
      .start =
          [&p](const Children& c) {
            return any_handle(spawn_job_history(
                p.sys,
                {.store = &p.store,
                 .hub = child_named<EventHubActor>(c, "event_hub"),
                 .max_batch_changes =
                     static_cast<std::size_t>(p.config.store.max_batch_changes),
                 .sweep_ms = p.config.retention.sweep_ms,
                 .retention = {.max_age_ms = p.config.retention.max_age_ms,
                               .max_jobs = static_cast<std::uint64_t>(
                                   p.config.retention.max_jobs)},
                 .orphaned =
                     [keeper = child_named<ArtifactsKeeper>(c, "artifacts")](
                         std::vector<std::string> files) {
                       caf::anon_send(keeper, release_atom_v, std::move(files));
                     },
                 .disk_changed =
                     [&p](const Status& accepting) {
                       p.notice(accepting ? "submits are taken again"
                                          : "submits are refused: " +
                                                accepting.error().message);
                     }}));
          },
      .uses = {"event_hub"}};
}

std::vector<DeviceInfo> all_devices(const NodeParts& p) {
  std::vector<DeviceInfo> devices{p.cpu};
  for (const auto& gpu : p.gpus) devices.push_back(gpu.info);
  return devices;
}

ChildSpec memory_manager(NodeParts& p) {
  return {.name = "memory_manager", .start = [&p](const Children&) {
            return any_handle(
                spawn_memory_manager(p.sys, {.devices = all_devices(p)}));
          }};
}

// Of devices that are as good the scheduler takes the first: a GPU.
std::vector<DeviceInfo> served_devices(const NodeParts& p) {
  std::vector<DeviceInfo> devices;
  for (const auto& gpu : p.gpus)
    devices.push_back(serving(gpu.info, computed_kinds()));
  devices.push_back(serving(
      p.cpu, {"echo", "noop", "process.run", "text.generate", "text.enhance"}));
  return devices;
}

SchedulerLimits scheduler_limits(const Config& c) {
  SchedulerLimits limits;
  limits.max_live_jobs = static_cast<std::uint64_t>(c.queue.max_jobs);
  limits.max_live_jobs_per_tenant = limits.max_live_jobs;
  limits.suspect_crashes = static_cast<std::uint32_t>(c.retry.max_crashes);
  limits.ageing_step_ms = c.queue.ageing_ms;
  limits.lease_ms = c.lease.duration_ms;
  limits.stop_grace_ms = c.lease.stop_grace_ms;
  return limits;
}

// Of a process.run job that will not be tried again; others left no log.
void add_lost_logs(NodeParts& p, const Token& token, JobEnd& end) {
  auto kept =
      keep_lost_logs(p.data / "process", token.job, token.attempt, *p.access);
  end.artifacts = std::move(kept.artifacts);
  end.failure->last_lines = std::move(kept.last_lines);
}

std::vector<std::string> hashes_of(const std::vector<ArtifactRef>& files) {
  std::vector<std::string> hashes;
  hashes.reserve(files.size());
  for (const auto& file : files) hashes.push_back(file.sha256);
  return hashes;
}

ChildSpec scheduler(NodeParts& p) {
  return {
      .name = "scheduler",
      .start =
          [&p](const Children& c) {
            return any_handle(spawn_scheduler(
                p.sys,
                {.store = &p.store,
                 .history = child_named<JobHistoryActor>(c, "job_history"),
                 .memory = child_named<MemoryManagerActor>(c, "memory_manager"),
                 .devices = served_devices(p),
                 .kinds = all_kinds(),
                 .job_limits = p.config.job,
                 .limits = scheduler_limits(p.config),
                 .complete_lost =
                     [&p](const Token& token, JobEnd& end) {
                       add_lost_logs(p, token, end);
                     },
                 .on_ended =
                     [keeper = child_named<ArtifactsKeeper>(c, "artifacts")](
                         JobId id, const std::vector<ArtifactRef>& files) {
                       caf::anon_send(keeper, release_atom_v, id,
                                      hashes_of(files));
                     },
                 .has_file =
                     [&p](const std::string& sha256) {
                       return p.files.has(sha256);
                     },
                 .device_changed =
                     [&p](const std::string& device, bool up) {
                       // Those of this process go by what the supervisor
                       // does.
                       if (!is_of_worker(device)) return;
                       p.notice("device " + device +
                                (up ? " is here" : " is gone"));
                     },
                 // Shared: a std::function must be able to be copied.
                 .model_use = [&p,
                               cache = std::make_shared<NeedsCache>(p.models),
                               folders = std::make_shared<platform::Answering>(
                                   kFolderAnswersMs)](
                                  const JobSpec& spec) -> Result<ModelUse> {
                   const auto there = folders->look(
                       spec.model, [places = p.models, name = spec.model] {
                         touch_model(places, name);
                       });
                   if (!there) return there.error();
                   return model_use(*cache, p.gpus, spec);
                 },
                 .own_thread = false}));
          },
      .uses = {"job_history", "memory_manager"}};
}

ChildSpec console(NodeParts& p) {
  return {
      .name = "console",
      .start =
          [&p](const Children& c) {
            return any_handle(spawn_console(
                p.sys,
                {.store = &p.store,
                 .files = &p.files,
                 .data = p.data,
                 .scheduler = child_named<SchedulerActor>(c, "scheduler"),
                 .history = child_named<JobHistoryActor>(c, "job_history"),
                 .memory = child_named<MemoryManagerActor>(c, "memory_manager"),
                 .node = p.name,
                 .version = p.build,
                 .devices = all_devices(p)}));
          },
      .uses = {"scheduler", "job_history", "memory_manager"}};
}

ChildSpec cpu_inference(NodeParts& p) {
  return {
      .name = "cpu_inference",
      .start =
          [&p](const Children& c) {
            return any_handle(spawn_inference(
                p.sys,
                {.device = serving(p.cpu, {"echo"}),
                 .context = {},
                 .families = {model_families().begin(), model_families().end()},
                 .models = p.models,
                 .scheduler = child_named<SchedulerActor>(c, "scheduler"),
                 .hub = child_named<EventHubActor>(c, "event_hub"),
                 .heartbeat_ms = p.config.lease.heartbeat_ms,
                 .progress_ms = p.config.event.live_interval_ms}));
          },
      .uses = {"scheduler", "event_hub"}};
}

ChildSpec instant(NodeParts& p) {
  return {.name = "instant",
          .start =
              [&p](const Children& c) {
                return any_handle(spawn_instant(
                    p.sys, {.device = serving(p.cpu, {"noop"}),
                            .scheduler =
                                child_named<SchedulerActor>(c, "scheduler")}));
              },
          .uses = {"scheduler"}};
}

// Member by member: in a braced temporary GCC 12 destroys the environment of
// the nested options twice.
ProcessExecutorOptions process_options(const NodeParts& p, const Children& c) {
  ProcessExecutorOptions options;
  options.device = serving(p.cpu, {"process.run"});
  options.attempts.folder = p.data / "process";
  options.attempts.guard = p.guard;
  options.attempts.artifacts = p.access;
  options.attempts.environment = p.environment;
  options.attempts.umask = p.umask;
  options.attempts.is_over = [&store = p.store](JobId id) {
    const auto job = store.summary(id);
    if (job) return is_terminal(job->state);
    return job.error().code == Errc::not_found ||
           job.error().code == Errc::forgotten;
  };
  options.attempts.live_interval_ms = p.config.event.live_interval_ms;
  options.attempts.max_quiet_notes =
      static_cast<std::uint32_t>(p.config.event.quiet_notes);
  options.scheduler = child_named<SchedulerActor>(c, "scheduler");
  options.hub = child_named<EventHubActor>(c, "event_hub");
  options.heartbeat_ms = p.config.lease.heartbeat_ms;
  return options;
}

ChildSpec process(NodeParts& p) {
  return {.name = "process",
          .start =
              [&p](const Children& c) {
                auto executor =
                    spawn_process_executor(p.sys, process_options(p, c));
                if (!executor)
                  throw std::runtime_error(executor.error().message);
                return any_handle(*executor);
              },
          .uses = {"scheduler", "event_hub"},
          .stop_grace_ms = p.config.node.stop_grace_ms};
}

cluster::SessionLimits session_limits(const Config& config) {
  const auto& c = config.wire;
  cluster::SessionLimits limits;
  limits.max_wait_ms = config.event.max_wait_ms;
  limits.window_jobs = static_cast<std::uint32_t>(c.window_jobs);
  limits.window_frames = static_cast<std::uint32_t>(c.window_requests);
  limits.request_timeout_ms = c.request_timeout_ms;
  cluster::set_lease(limits, config.lease);
  return limits;
}

// The port opens with the gate and keeps its number when the gate is
// restarted, so that clients find it again.
ChildSpec gate(NodeParts& p) {
  return {
      .name = "gate",
      .start =
          [&p](const Children& c) {
            auto gate = cluster::spawn_gate(
                p.sys,
                {.identify = cluster::by_certificate(
                     p.sys, cluster::clients_file(p.data)),
                 .handles =
                     {.scheduler = child_named<SchedulerActor>(c, "scheduler"),
                      .reader =
                          child_named<HistoryReaderActor>(c, "history_reader"),
                      .hub = child_named<EventHubActor>(c, "event_hub"),
                      .artifacts = child_named<ArtifactsActor>(c, "artifacts"),
                      .console = child_named<ConsoleActor>(c, "console")},
                 .limits = session_limits(p.config),
                 .max_sessions =
                     static_cast<std::uint32_t>(p.config.wire.max_sessions),
                 .node = p.name,
                 .build = p.build,
                 .store_id = p.store.store_id()});
            const auto port =
                p.address.port != 0
                    ? p.address.port
                    : static_cast<std::uint16_t>(p.config.node.port);
            auto address =
                cluster::open_endpoint(p.sys,
                                       {.data = p.data,
                                        .host = p.config.node.listen,
                                        .port = port,
                                        .store_id = p.store.store_id()},
                                       gate);
            if (!address) {
              caf::anon_send_exit(gate, caf::exit_reason::user_shutdown);
              throw std::runtime_error(address.error().message);
            }
            p.address = *address;
            return any_handle(gate);
          },
      .uses = {"scheduler", "history_reader", "event_hub", "artifacts",
               "console"}};
}

}  // namespace

std::vector<ChildSpec> node_children(NodeParts& parts) {
  std::vector<ChildSpec> children{
      history_reader(parts), event_hub(parts),      artifacts(parts),
      job_history(parts),    memory_manager(parts), scheduler(parts),
      console(parts),        cpu_inference(parts),  cpu_device_child(parts)};
  for (const auto& gpu : parts.gpus)
    children.push_back(gpu_device_child(parts, gpu));
  children.push_back(instant(parts));
  children.push_back(process(parts));
  children.push_back(gate(parts));
  return children;
}

}  // namespace troupe
