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

Status Ledger::reserve(const Reservation& r) {
  const auto at = devices_.find(r.device);
  if (at == devices_.end())
    return Error{Errc::invalid_argument, "reserve on device '" + r.device +
                                             "': known are " + known(devices_)};
  Device& device = at->second;
  if (const auto held = device.owners.find(r.owner);
      held != device.owners.end()) {
    if (held->second == r.bytes) return ok();
    return Error{Errc::already_exists,
                 "attempt " + std::to_string(r.owner.attempt) + " of job " +
                     to_string(r.owner.job) + " holds " +
                     std::to_string(held->second) + " bytes of " + r.device +
                     " already, not " + std::to_string(r.bytes)};
  }
  // Not `reserved + bytes > total`: that sum may wrap.
  const std::uint64_t free_bytes =
      device.total_bytes - std::min(device.total_bytes, device.reserved_bytes);
  if (r.bytes > free_bytes)
    return Error{Errc::out_of_memory,
                 "device " + r.device + " has " + std::to_string(free_bytes) +
                     " free of " + std::to_string(device.total_bytes) +
                     " bytes; " + std::to_string(r.bytes) + " were asked"};
  device.owners.emplace(r.owner, r.bytes);
  device.reserved_bytes += r.bytes;
  device.peak_bytes = std::max(device.peak_bytes, device.reserved_bytes);
  return ok();
}

std::uint64_t Ledger::release(const Token& owner, const std::string& name) {
  const auto at = devices_.find(name);
  if (at == devices_.end()) return 0;
  Device& device = at->second;
  const auto held = device.owners.find(owner);
  if (held == device.owners.end()) return 0;
  const std::uint64_t bytes = held->second;
  TROUPE_ASSERT(bytes <= device.reserved_bytes);
  device.reserved_bytes -= bytes;
  device.owners.erase(held);
  return bytes;
}

template <class Predicate>
std::uint64_t Ledger::release_if(Predicate matches) {
  std::uint64_t freed_bytes = 0;
  // Named again, as clang 14 lets no lambda capture a structured binding.
  for (auto& [name, device] : devices_)
    std::erase_if(device.owners, [&, &device = device](const auto& item) {
      if (!matches(item.first)) return false;
      TROUPE_ASSERT(item.second <= device.reserved_bytes);
      device.reserved_bytes -= item.second;
      freed_bytes += item.second;
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
        name, device.total_bytes, device.reserved_bytes, device.peak_bytes, {}};
    for (const auto& [owner, bytes] : device.owners)
      r.reservations.push_back({owner, name, bytes});
    reports.push_back(std::move(r));
  }
  return reports;
}

}  // namespace troupe
