// The devices of this machine, as its node announces them: what the
// configuration lets them take of it.
#pragma once

#include "config/options.hpp"
#include "core/device.hpp"
#include "core/result.hpp"

namespace troupe {

/// Without kinds: each executor adds its own. Errors: those of
/// platform::memory_capacity_bytes().
Result<DeviceInfo> cpu_device(const NodeConfig& config);

}  // namespace troupe
