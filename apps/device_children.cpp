#include "apps/device_children.hpp"

#include <utility>

#include "apps/child_handles.hpp"
#include "cluster/device_executor.hpp"

namespace troupe {
namespace {

cluster::DeviceExecutorOptions device_options(const NodeParts& p,
                                              const Children& c,
                                              const DeviceInfo& device) {
  cluster::DeviceExecutorOptions options;
  options.device = device;
  options.device.kinds = computed_kinds();
  options.artifacts = p.access;
  options.scratch = p.data / "device";
  options.process.environment = p.environment;
  for (const auto& folder : p.models.folders)
    options.process.setup.models_dirs.push_back(folder.string());
  options.process.setup.heartbeat_ms = p.config.lease.heartbeat_ms;
  options.process.setup.live_interval_ms = p.config.event.live_interval_ms;
  options.process.silence_ms = p.config.lease.duration_ms;
  options.notice = p.notice;
  options.scheduler = child_named<SchedulerActor>(c, "scheduler");
  options.hub = child_named<EventHubActor>(c, "event_hub");
  return options;
}

}  // namespace

std::vector<std::string> computed_kinds() {
  return {"text.generate", "text.enhance"};
}

ChildSpec cpu_device_child(NodeParts& p) {
  return {.name = "cpu_device",
          .start =
              [&p](const Children& c) {
                auto options = device_options(p, c, p.cpu);
                options.process.program = p.device_program;
                return any_handle(
                    cluster::spawn_device_executor(p.sys, std::move(options)));
              },
          .uses = {"scheduler", "event_hub"}};
}

ChildSpec gpu_device_child(NodeParts& p, const Gpu& gpu) {
  return {.name = gpu.info.name + "_device",
          .start =
              [&p, gpu](const Children& c) {
                auto options = device_options(p, c, gpu.info);
                options.process.program = p.cuda_program;
                options.process.arguments = serve_arguments(p.config.node, gpu);
                return any_handle(
                    cluster::spawn_device_executor(p.sys, std::move(options)));
              },
          .uses = {"scheduler", "event_hub"}};
}

}  // namespace troupe
