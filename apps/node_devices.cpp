#include "apps/node_devices.hpp"

#include <algorithm>
#include <thread>

#include "platform/memory.hpp"

namespace troupe {

Result<DeviceInfo> cpu_device(const NodeConfig& c) {
  DeviceInfo cpu{.name = "cpu", .klass = "cpu"};
  cpu.slots = c.cpu_slots > 0
                  ? static_cast<std::uint32_t>(c.cpu_slots)
                  : std::max(1u, std::thread::hardware_concurrency());
  if (c.memory_bytes > 0) {
    cpu.memory_bytes = static_cast<std::uint64_t>(c.memory_bytes);
    return cpu;
  }
  auto capacity = platform::memory_capacity_bytes();
  if (!capacity) return capacity.error();
  cpu.memory_bytes =
      *capacity / 100 * static_cast<std::uint64_t>(c.memory_percent);
  return cpu;
}

}  // namespace troupe
