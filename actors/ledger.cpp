#include "actors/ledger.hpp"

#include <algorithm>

namespace troupe {
namespace {

std::string known(const auto& devices) {
  std::string text;
  for (const auto& [name, device] : devices)
    text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

}  // namespace

void Ledger::set_device(const std::string& name, std::uint64_t total_bytes) {
  devices_[name].total_bytes = total_bytes;
}

std::uint64_t Ledger::added_bytes(const Device& device, const Reservation& r) {
  auto bytes = r.bytes;
  for (const auto& part : r.shared) {
    if (device.parts.contains({part.model, part.name})) continue;
    const auto sum = bytes + part.bytes;
    bytes = sum < bytes ? ~std::uint64_t{0} : sum;
  }
  return bytes;
}

Status Ledger::reserve(const Reservation& r) {
  const auto at = devices_.find(r.device);
  if (at == devices_.end())
    return Error{Errc::invalid_argument, "reserve on device '" + r.device +
                                             "': known are " + known(devices_)};
  Device& device = at->second;
  if (const auto held = device.owners.find(r.owner);
      held != device.owners.end()) {
    if (held->second.bytes == r.bytes) return ok();
    return Error{Errc::already_exists,
                 "attempt " + std::to_string(r.owner.attempt) + " of job " +
                     to_string(r.owner.job) + " holds " +
                     std::to_string(held->second.bytes) + " bytes of " +
                     r.device + " already, not " + std::to_string(r.bytes)};
  }
  // Not `reserved + bytes > total`: that sum may wrap.
  const std::uint64_t free_bytes =
      device.total_bytes - std::min(device.total_bytes, device.reserved_bytes);
  const auto bytes = added_bytes(device, r);
  if (bytes > free_bytes)
    return Error{Errc::out_of_memory,
                 "device " + r.device + " has " + std::to_string(free_bytes) +
                     " free of " + std::to_string(device.total_bytes) +
                     " bytes; " + std::to_string(bytes) + " were asked"};
  Owned& owned = device.owners[r.owner];
  owned.bytes = r.bytes;
  for (const auto& part : r.shared) {
    const PartKey key{part.model, part.name};
    auto& there =
        device.parts.try_emplace(key, Part{part.bytes, 0}).first->second;
    ++there.users;
    owned.shared.push_back(key);
  }
  device.reserved_bytes += bytes;
  device.peak_bytes = std::max(device.peak_bytes, device.reserved_bytes);
  return ok();
}

std::uint64_t Ledger::let_go(Device& device, const Owned& owned) {
  TROUPE_ASSERT(owned.bytes <= device.reserved_bytes);
  device.reserved_bytes -= owned.bytes;
  for (const auto& key : owned.shared) --device.parts.at(key).users;
  return owned.bytes;
}

std::uint64_t Ledger::release(const Token& owner, const std::string& name) {
  const auto at = devices_.find(name);
  if (at == devices_.end()) return 0;
  Device& device = at->second;
  const auto held = device.owners.find(owner);
  if (held == device.owners.end()) return 0;
  const auto bytes = let_go(device, held->second);
  device.owners.erase(held);
  return bytes;
}

std::uint64_t Ledger::drop(const std::string& name, const std::string& model) {
  const auto at = devices_.find(name);
  if (at == devices_.end()) return 0;
  Device& device = at->second;
  std::uint64_t freed_bytes = 0;
  std::erase_if(device.parts, [&](const auto& item) {
    if (item.first.first != model || item.second.users > 0) return false;
    freed_bytes += item.second.bytes;
    return true;
  });
  TROUPE_ASSERT(freed_bytes <= device.reserved_bytes);
  device.reserved_bytes -= freed_bytes;
  return freed_bytes;
}

template <class Predicate>
std::uint64_t Ledger::release_if(Predicate matches) {
  std::uint64_t freed_bytes = 0;
  // Named again, as clang 14 lets no lambda capture a structured binding.
  for (auto& [name, device] : devices_)
    std::erase_if(device.owners, [&, &device = device](const auto& item) {
      if (!matches(item.first)) return false;
      freed_bytes += let_go(device, item.second);
      return true;
    });
  return freed_bytes;
}

std::uint64_t Ledger::release_before(std::uint64_t epoch) {
  return release_if([epoch](const Token& t) { return t.epoch < epoch; });
}

std::uint64_t Ledger::release_all(std::uint64_t epoch) {
  return release_if([epoch](const Token& t) { return t.epoch == epoch; });
}

std::vector<LedgerReport> Ledger::report() const {
  std::vector<LedgerReport> reports;
  for (const auto& [name, device] : devices_) {
    LedgerReport r{
        name, device.total_bytes, device.reserved_bytes, device.peak_bytes, {},
        {}};
    for (const auto& [owner, owned] : device.owners) {
      Reservation one{owner, name, owned.bytes, {}};
      for (const auto& key : owned.shared)
        one.shared.push_back(
            {key.first, key.second, device.parts.at(key).bytes});
      r.reservations.push_back(std::move(one));
    }
    for (const auto& [key, part] : device.parts)
      r.parts.push_back({key.first, key.second, part.bytes, part.users});
    reports.push_back(std::move(r));
  }
  return reports;
}

}  // namespace troupe
