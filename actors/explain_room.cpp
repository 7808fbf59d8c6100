// Why no device takes a waiting job now: slots and memory, and who has them.
#include <algorithm>

#include "actors/schedule_impl.hpp"
#include "core/amounts.hpp"

namespace troupe {
namespace {

constexpr std::size_t kNamedOwners = 5;

}  // namespace

std::uint64_t Schedule::Impl::waiting_in_engine(const DeviceState& device,
                                                std::uint32_t model) const {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(runs.all(), [&](std::uint32_t n) {
        const Run& run = runs[n];
        return run.full_since && run.model == model &&
               &devices[run.device] == &device;
      }));
}

std::string Schedule::Impl::taken_slots(const DeviceState& device) const {
  std::string text = "every slot of " + device.info.name + " is taken (" +
                     std::to_string(device.info.slots) + ")";
  std::string by;
  for (const auto& r : device.residents) {
    if (r.users == 0) continue;
    by += (by.empty() ? ": " : ", ") + std::to_string(r.slots()) +
          " by model " + models[r.model] + " (" + count_of(r.users, "job") +
          ", " + std::to_string(r.batch) + " at once";
    if (const auto full = waiting_in_engine(device, r.model))
      by += "; " + std::to_string(full) +
            " of them without room in its engine yet";
    by += ")";
  }
  if (!by.empty() && device.lone > 0)
    by += ", " + std::to_string(device.lone) + " by jobs without a model";
  return text + by;
}

std::string Schedule::Impl::why_no_device(const JobSlot& job, Now now) const {
  const Need need = need_of(job);
  const std::string& kind = kinds[need.kind];
  const DeviceState* roomiest = nullptr;
  bool serves = false, able = false, up = false, unpaused = false, slot = false;
  std::string paused_names;
  for (std::uint32_t n = 0; n < devices.size(); ++n) {
    const DeviceState& d = devices[n];
    if (!d.serves(need.kind) || !d.takes(need.place)) continue;
    serves = true;
    if (!need.can_run_on(d)) continue;
    able = true;
    if (!d.up) continue;
    up = true;
    if (d.paused) {
      paused_names += (paused_names.empty() ? "" : ", ") + d.info.name;
      continue;
    }
    unpaused = true;
    slot = slot || d.has_slot(need);
    if (!roomiest || d.free_bytes() > roomiest->free_bytes()) roomiest = &d;
  }
  const std::string where =
      need.place ? " on " + devices.places()[need.place] : "";
  if (!serves) return "no device serves " + kind + where + " yet";
  if (!able)
    return "no device that serves " + kind + where + " can run its model " +
           models[need.model];
  if (!up) return "every device that serves " + kind + where + " is down";
  if (!unpaused) return "paused: device " + paused_names;
  if (need.all_bytes(*roomiest) > roomiest->info.memory_bytes)
    return "it needs " + bytes_text(need.all_bytes(*roomiest)) +
           " of memory and " + roomiest->info.name + " lends " +
           bytes_text(roomiest->info.memory_bytes) + " now";
  if (!devices.lacks_memory(need, now.steady) && !slot)
    return taken_slots(*roomiest);
  if (!devices.lacks_memory(need, now.steady)) return {};
  const std::uint64_t free =
      now.steady < roomiest->refused_until ? 0 : roomiest->free_bytes();
  if (const auto* r = roomiest->resident(need.model); r && r->leaving)
    return "its model " + models[need.model] + " is being given back on " +
           roomiest->info.name + "; it is loaded again then";
  std::string text = "memory: it needs " +
                     bytes_text(Devices::added_bytes(*roomiest, need)) + "; " +
                     roomiest->info.name + " has " + bytes_text(free) +
                     " free of " + bytes_text(roomiest->info.memory_bytes);
  std::size_t named = 0;
  for (const std::uint32_t n : runs.all())
    if (&devices[runs[n].device] == roomiest && runs[n].memory_bytes > 0 &&
        named < kNamedOwners)
      text += (named++ ? ", " : ", held by ") +
              to_string(slots[runs[n].job].id) + " (" +
              bytes_text(runs[n].memory_bytes) + ")";
  for (const auto& r : roomiest->residents)
    text += ", model " + models[r.model] + " (" + bytes_text(r.bytes) +
            (r.leaving      ? ", being given back)"
             : r.users == 0 ? ", idle)"
                            : ", in use)");
  return text;
}

}  // namespace troupe
