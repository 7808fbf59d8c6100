#include "actors/placement.hpp"

#include <algorithm>

#include "core/amounts.hpp"
#include "core/nearest.hpp"

namespace troupe {
namespace {

Fault too_big(const DeviceState& biggest, std::uint64_t memory_bytes,
              std::uint64_t model_bytes) {
  const auto lends = "the largest device for it, " + biggest.info.name +
                     ", lends " + bytes_text(biggest.info.memory_bytes);
  if (memory_bytes > biggest.info.memory_bytes)
    return {"memory_bytes", "is " + bytes_text(memory_bytes) + "; " + lends +
                                ": ask for less, or raise the device's budget"};
  return {
      "model",
      "takes " + bytes_text(model_bytes) +
          (memory_bytes == 0
               ? std::string{}
               : ", and the job " + bytes_text(memory_bytes) + " beside it") +
          "; " + lends + ": use a smaller one, or raise the device's budget"};
}

}  // namespace

bool DeviceState::serves(std::uint32_t kind) const {
  return std::ranges::find(kinds, kind) != kinds.end();
}

Resident* DeviceState::resident(std::uint32_t model) {
  const auto at = std::ranges::find(residents, model, &Resident::model);
  return at == residents.end() ? nullptr : &*at;
}

const Resident* DeviceState::resident(std::uint32_t model) const {
  const auto at = std::ranges::find(residents, model, &Resident::model);
  return at == residents.end() ? nullptr : &*at;
}

std::uint64_t DeviceState::idle_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& r : residents)
    if (r.users == 0) bytes += r.bytes;
  return bytes;
}

double DeviceState::share_of(std::uint64_t bytes) const {
  const double slot = 1.0 / std::max<std::uint32_t>(info.slots, 1);
  if (info.memory_bytes == 0) return slot;
  return std::max(slot, static_cast<double>(bytes) /
                            static_cast<double>(info.memory_bytes));
}

std::uint32_t DeviceState::used_slots() const {
  std::uint32_t slots = lone;
  for (const auto& r : residents) slots += r.slots();
  return slots;
}

std::uint32_t DeviceState::added_slots(const Need& need) const {
  const auto* r = need.model == 0 ? nullptr : resident(need.model);
  return r ? r->slots_of(r->users + 1) - r->slots() : 1;
}

bool DeviceState::has_some_slot() const {
  if (!up || paused) return false;
  return used_slots() < info.slots ||
         std::ranges::any_of(residents, [](const Resident& r) {
           return !r.leaving && r.slots_of(r.users + 1) == r.slots();
         });
}

double DeviceState::load_with(const Need& need) const {
  double slots = lone + 1.0 / need.batch(*this);
  for (const auto& r : residents)
    slots += static_cast<double>(r.users) / r.batch;
  return slots / std::max<std::uint32_t>(info.slots, 1);
}

const ModelSizes::Size& ModelSizes::on(const DeviceState& device) const {
  for (const auto& [klass, size] : classes)
    if (klass == device.klass) return size;
  return other;
}

std::uint32_t Devices::number(const std::string& name) {
  const std::uint32_t place = places_.number(name);
  for (std::uint32_t n = 0; n < size(); ++n)
    if (devices_[n].name == place) return n;
  devices_.emplace_back().name = place;
  devices_.back().info.name = name;
  return size() - 1;
}

std::uint32_t Devices::find(const std::string& name) const {
  const std::uint32_t place = places_.find(name);
  for (std::uint32_t n = 0; n < size(); ++n)
    if (devices_[n].name == place) return n;
  return kNone;
}

void Devices::set_up(const DeviceInfo& info) {
  DeviceState& device = devices_[number(info.name)];
  device.info = info;
  device.klass = places_.number(info.klass);
  device.known = device.up = true;
  device.refused_until = 0;
  device.kinds.clear();
  for (const auto& kind : info.kinds)
    device.kinds.push_back(kinds_.number(kind));
}

bool Devices::any_slot() const {
  return std::ranges::any_of(devices_, &DeviceState::has_some_slot);
}

bool Devices::could_take(const DeviceState& d, const Need& need) const {
  return d.up && !d.paused && d.takes(need.place) && d.serves(need.kind) &&
         need.can_run_on(d) && need.all_bytes(d) <= d.info.memory_bytes;
}

std::uint64_t Devices::added_bytes(const DeviceState& d, const Need& need) {
  return need.memory_bytes + (d.resident(need.model) ? 0 : need.model_bytes(d));
}

bool Devices::has_memory(const DeviceState& d, const Need& need,
                         SteadyMs now) const {
  // One that is on its way out is not there for anybody, nor is there room for
  // it a second time.
  if (const auto* r = d.resident(need.model); r && r->leaving) return false;
  const auto bytes = added_bytes(d, need);
  return bytes == 0 || (bytes <= d.free_bytes() && now >= d.refused_until);
}

bool Devices::lacks_memory(const Need& need, SteadyMs now) const {
  bool some = false;
  for (const DeviceState& d : devices_) {
    if (!could_take(d, need)) continue;
    if (has_memory(d, need, now)) return false;
    some = true;
  }
  return some;
}

bool Devices::lacks_room(const Need& need, SteadyMs now) const {
  bool some = false;
  for (const DeviceState& d : devices_) {
    if (!could_take(d, need)) continue;
    if (has_memory(d, need, now) &&
        (d.has_slot(need) || d.used_slots() == d.lone))
      return false;
    some = true;
  }
  return some;
}

std::optional<Fault> Devices::never_fits(const std::string& kind,
                                         const std::string& place,
                                         std::uint64_t memory_bytes,
                                         const ModelUse& use) const {
  std::vector<std::string> known;
  bool any = false;
  const DeviceState* refuses = nullptr;  // Serves the kind, not this model.
  const DeviceState* biggest = nullptr;
  const std::uint32_t kind_n = kinds_.find(kind);
  const std::uint32_t place_n = places_.find(place);
  for (const DeviceState& d : devices_) {
    if (!d.known) continue;
    known.push_back(d.info.name);
    if (!d.takes(place_n)) continue;
    any = true;
    if (!d.serves(kind_n)) continue;
    const auto& there = use.on(d.info.klass);
    if (!there.why_not.empty())
      refuses = &d;
    else if (memory_bytes + there.bytes() <= d.info.memory_bytes)
      return std::nullopt;
    else if (!biggest || d.info.memory_bytes > biggest->info.memory_bytes)
      biggest = &d;
  }
  if (known.empty()) return std::nullopt;
  if (!any)
    return Fault{"device",
                 "'" + place + "' is unknown" + known_names(place, known)};
  if (biggest)
    return too_big(*biggest, memory_bytes, use.on(biggest->info.klass).bytes());
  if (refuses)
    return Fault{"model", "cannot be used on " + refuses->info.name + ": " +
                              use.on(refuses->info.klass).why_not};
  return std::nullopt;  // An executor for the kind may still come.
}

}  // namespace troupe
