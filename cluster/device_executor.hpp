// The executor of a device whose computing is done by a process of its own.
// Starts it when there is work, hands on what is said on either side, and
// fails what ran there when it is gone; the next work starts another.
#pragma once

#include <caf/actor_system.hpp>

#include <functional>
#include <string>

#include "actors/protocol.hpp"
#include "cluster/device_process.hpp"
#include "core/device.hpp"

namespace troupe::cluster {

struct DeviceExecutorOptions {
  DeviceInfo device;  // Announced to the scheduler.
  DeviceProcessOptions process;
  /// For results and texts that are long.
  std::shared_ptr<ArtifactAccess> artifacts;
  std::filesystem::path scratch;  // Of its own, for these.
  SchedulerActor scheduler;
  EventHubActor hub;
  /// A line for who reads the node's log: what ended here, and why.
  std::function<void(const std::string&)> notice;
  bool own_thread = true;  // It may wait for the process.
};

ExecutorActor spawn_device_executor(caf::actor_system& sys,
                                    DeviceExecutorOptions options);

}  // namespace troupe::cluster
