// The actors of a node as child specifications, in start order.
#pragma once

#include <caf/actor_system.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/executor.hpp"
#include "actors/supervisor.hpp"
#include "apps/gpus.hpp"
#include "cluster/endpoint.hpp"
#include "config/options.hpp"
#include "models/model_places.hpp"
#include "persistence/artifact_store.hpp"
#include "persistence/job_store.hpp"

namespace troupe {

/// What the children share. Outlives them all.
struct NodeParts {
  caf::actor_system& sys;
  std::filesystem::path data;
  Config config;
  std::string name;   // Of the node.
  std::string build;  // For status and hello.
  JobStore& store;
  ArtifactStore& files;
  std::shared_ptr<ArtifactAccess> access;  // The executors' view of `files`.
  DeviceInfo cpu;               // Without kinds: each executor adds its own.
  std::vector<Gpu> gpus;        // Likewise.
  std::filesystem::path guard;  // The program troupe-guard.
  std::filesystem::path device_program;  // troupe-device.
  std::filesystem::path cuda_program;    // troupe-device-cuda.
  ModelPlaces models;
  std::map<std::string, std::string> environment;  // Of this process.
  unsigned umask = 0022;                           // As it was inherited.
  /// A line for who reads the node's log; from any thread.
  std::function<void(const std::string&)> notice;
  cluster::NodeAddress address;  // Where the port is, once it is open.
};

std::vector<ChildSpec> node_children(NodeParts& parts);

}  // namespace troupe
