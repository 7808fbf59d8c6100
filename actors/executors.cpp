#include "actors/executors.hpp"

namespace troupe {

DeviceInfo Executors::merged(const Device& device) {
  auto info = device.info;
  info.kinds.clear();
  for (const auto& [kind, executor] : device.by_kind)
    info.kinds.push_back(kind);
  return info;
}

DeviceInfo Executors::add(const DeviceInfo& device,
                          const caf::actor& executor) {
  auto& entry = devices_[device.name];
  entry.info = device;
  std::erase_if(entry.by_kind,
                [&](const auto& kind) { return kind.second == executor; });
  for (const auto& kind : device.kinds) entry.by_kind[kind] = executor;
  return merged(entry);
}

std::vector<std::pair<std::string, std::optional<DeviceInfo>>>
Executors::remove(const caf::actor_addr& executor) {
  std::vector<std::pair<std::string, std::optional<DeviceInfo>>> left;
  for (auto it = devices_.begin(); it != devices_.end();) {
    auto& [name, device] = *it;
    const auto gone = std::erase_if(device.by_kind, [&](const auto& kind) {
      return kind.second.address() == executor;
    });
    if (gone == 0) {
      ++it;
    } else if (device.by_kind.empty()) {
      left.emplace_back(name, std::nullopt);
      it = devices_.erase(it);
    } else {
      left.emplace_back(name, merged(device));
      ++it;
    }
  }
  return left;
}

std::vector<DeviceInfo> Executors::devices() const {
  std::vector<DeviceInfo> all;
  for (const auto& [name, device] : devices_) all.push_back(merged(device));
  return all;
}

const caf::actor* Executors::find(const std::string& device,
                                  const std::string& kind) const {
  auto it = devices_.find(device);
  if (it == devices_.end()) return nullptr;
  auto executor = it->second.by_kind.find(kind);
  return executor == it->second.by_kind.end() ? nullptr : &executor->second;
}

}  // namespace troupe
