// The executor that computes: steps the engine of one device and looks at its
// mailbox between steps. Never blocks longer than one step.
#pragma once

#include <caf/actor_system.hpp>

#include <vector>

#include "actors/device_jobs.hpp"
#include "actors/protocol.hpp"
#include "config/options.hpp"

namespace troupe {

struct InferenceOptions {
  DeviceInfo device;  // Announced to the scheduler.
  Context context;
  std::vector<const ModelFamily*> families;
  ModelPlaces models;
  SchedulerActor scheduler;
  EventHubActor hub;
  const WallClock* clock = &system_wall_clock();  // Outlives the actor.
  std::int64_t heartbeat_ms = kLeaseDefaults.heartbeat_ms;
  /// At most one progress event of an attempt in this time; 0: all of them.
  std::int64_t progress_ms = kEventDefaults.live_interval_ms;
  bool own_thread = true;
};

ExecutorActor spawn_inference(caf::actor_system& sys, InferenceOptions options);

}  // namespace troupe
