// The executors of a node's devices that have a process of their own: the CPU's
// and each GPU's.
#pragma once

#include <string>
#include <vector>

#include "apps/node_children.hpp"

namespace troupe {

/// What such a device serves.
std::vector<std::string> computed_kinds();

ChildSpec cpu_device_child(NodeParts& parts);
ChildSpec gpu_device_child(NodeParts& parts, const Gpu& gpu);

}  // namespace troupe
