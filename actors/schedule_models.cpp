// Models on devices, as Schedule sees them: who uses them, how long nobody
// does, and which go to make room.
#include <algorithm>
#include <limits>

#include "actors/schedule_impl.hpp"

namespace troupe {
namespace {

constexpr SteadyMs kLongAgo = std::numeric_limits<SteadyMs>::min() / 2;

}  // namespace

bool Schedule::Impl::is_replaced(const DeviceState& device,
                                 const Resident& resident) const {
  return resident.bytes != model_sizes[resident.model].on(device).bytes;
}

std::uint32_t Schedule::Impl::know_model(ModelUse use) {
  if (use.model.empty()) return 0;
  const auto model = models.number(use.model);
  if (model >= model_uses.size()) {
    model_uses.resize(model + 1);
    model_sizes.resize(model + 1);
  }
  const auto size_of = [](const ClassUse& there) {
    ModelSizes::Size size{std::nullopt, std::max(there.batch, 1u)};
    if (there.why_not.empty()) size.bytes = there.bytes();
    return size;
  };
  ModelSizes sizes{size_of(use.other), {}};
  for (const auto& there : use.classes)
    sizes.classes.emplace_back(devices.places().number(there.klass),
                               size_of(there));
  model_uses[model] = std::move(use);
  model_sizes[model] = std::move(sizes);
  // Another one stands under its name: what is there goes at the next tick.
  for (std::uint32_t n = 0; n < devices.size(); ++n) {
    if (auto* r = devices[n].resident(model); r && is_replaced(devices[n], *r))
      r->idle_since = kLongAgo;
    know_batches(devices[n]);
  }
  return model;
}

void Schedule::Impl::know_batches(DeviceState& device) {
  for (auto& r : device.residents)
    r.batch = model_sizes[r.model].on(device).batch;
}

const ModelUse& Schedule::Impl::model_use(std::uint32_t model) const {
  return model_uses[model];
}

const std::vector<ModelPart>& Schedule::Impl::parts_on(
    const DeviceState& device, std::uint32_t model) const {
  return model_uses[model].on(device.info.klass).parts;
}

std::uint64_t Schedule::Impl::use_model(std::uint32_t model, std::uint32_t kind,
                                        DeviceState& device) {
  Resident* r = device.resident(model);
  if (!r) {
    r = &device.residents.emplace_back();
    r->model = model;
    r->kind = kind;
    const auto& size = model_sizes[model].on(device);
    r->bytes = size.bytes.value_or(0);
    r->batch = size.batch;
    device.used_bytes += r->bytes;
  }
  ++r->users;
  return r->bytes;
}

void Schedule::Impl::leave_model(std::uint32_t model, DeviceState& device,
                                 Now now) {
  Resident* r = device.resident(model);
  TROUPE_ASSERT(r && r->users > 0);
  if (--r->users > 0) return;
  r->idle_since = is_replaced(device, *r) ? kLongAgo : now.steady;
  // Of a reservation that was refused, or is not answered yet.
  if (!r->reserved) forget_model(device, *r);
}

void Schedule::Impl::forget_model(DeviceState& device, Resident& resident) {
  TROUPE_ASSERT(device.used_bytes >= resident.bytes);
  device.used_bytes -= resident.bytes;
  device.residents.erase(device.residents.begin() +
                         (&resident - device.residents.data()));
}

void Schedule::Impl::granted_model(const Reservation& r, DeviceState& device,
                                   std::uint32_t kind, Now now) {
  if (r.shared.empty()) return;
  const auto model = models.number(r.shared.front().model);
  if (!device.resident(model)) {
    use_model(model, kind, device);
    auto& there = *device.resident(model);
    there.users = 0;
    there.idle_since = now.steady;
  }
  device.resident(model)->reserved = true;
}

void Schedule::Impl::send_away(DeviceState& device, Resident& resident,
                               Decisions& out) {
  resident.leaving = true;
  out.drops.push_back(
      {device.info.name, kinds[resident.kind], models[resident.model]});
}

void Schedule::Impl::make_room(std::uint32_t slot, const Rank& rank,
                               Decisions& out) {
  const Need need = need_of(slots[slot]);
  // What the job waits for there beside the memory that nobody reserved.
  const auto leaving_bytes = [](const DeviceState& d) {
    std::uint64_t bytes = 0;
    for (const auto& r : d.residents)
      if (r.leaving) bytes += r.bytes;
    return bytes;
  };
  std::uint32_t best = kNone;
  std::uint64_t best_bytes = 0;
  for (std::uint32_t n = 0; n < devices.size(); ++n) {
    const DeviceState& d = devices[n];
    if (!d.has_slot(need) || !devices.could_take(d, need)) continue;
    if (holds[n].slot != kNone && holds[n].slot != slot && holds[n].rank < rank)
      continue;
    const auto wanted = Devices::added_bytes(d, need);
    const auto coming = d.free_bytes() + leaving_bytes(d);
    if (wanted <= coming) return;  // It only has to wait.
    auto idle = d.idle_bytes() - leaving_bytes(d);
    if (const auto* own = d.resident(need.model); own && own->users == 0)
      idle -= own->leaving ? 0 : own->bytes;
    if (wanted > coming + idle) continue;
    if (best != kNone && wanted - coming >= best_bytes) continue;
    best = n;
    best_bytes = wanted - coming;
  }
  if (best == kNone) return;
  DeviceState& d = devices[best];
  std::string& named = extra(slot).made_room;
  for (std::uint64_t made = 0; made < best_bytes;) {
    Resident* oldest = nullptr;
    for (auto& r : d.residents)
      if (r.users == 0 && !r.leaving && r.model != need.model &&
          (!oldest || r.idle_since < oldest->idle_since))
        oldest = &r;
    TROUPE_ASSERT(oldest);
    made += oldest->bytes;
    named += (named.empty() ? "" : ", ") + models[oldest->model];
    send_away(d, *oldest, out);
  }
}

void Schedule::Impl::send_idle_away(Now now, Decisions& out) {
  for (std::uint32_t n = 0; n < devices.size(); ++n)
    for (auto& r : devices[n].residents)
      if (r.users == 0 && !r.leaving &&
          now.steady - r.idle_since >= options.limits.idle_model_ms)
        send_away(devices[n], r, out);
}

SteadyMs Schedule::Impl::next_idle() const {
  auto next = std::numeric_limits<SteadyMs>::max();
  for (std::uint32_t n = 0; n < devices.size(); ++n)
    for (const auto& r : devices[n].residents)
      if (r.users == 0 && !r.leaving)
        next = std::min(next, r.idle_since + options.limits.idle_model_ms);
  return next;
}

void Schedule::dropped(const ModelDrop& drop, Decisions& out) {
  Impl& s = *impl_;
  const auto n = s.devices.find(drop.device);
  const auto model = s.models.find(drop.model);
  if (n != Devices::kNone && model != Names::kUnknown)
    if (auto* r = s.devices[n].resident(model)) {
      // Its users hold it; their executor loads it again.
      if (r->users > 0) return;
      s.forget_model(s.devices[n], *r);
    }
  out.gone.push_back(drop);
}

std::vector<ModelDrop> Schedule::models_on(const std::string& device) const {
  const Impl& s = *impl_;
  std::vector<ModelDrop> all;
  if (const auto n = s.devices.find(device); n != Devices::kNone)
    for (const auto& r : s.devices[n].residents)
      all.push_back({device, s.kinds[r.kind], s.models[r.model]});
  return all;
}

std::vector<Reservation> Schedule::idle_models() const {
  const Impl& s = *impl_;
  std::vector<Reservation> all;
  for (std::uint32_t n = 0; n < s.devices.size(); ++n) {
    Reservation idle{{}, s.devices[n].info.name, 0, {}};
    for (const auto& r : s.devices[n].residents)
      if (r.users == 0)
        for (const auto& part : s.parts_on(s.devices[n], r.model))
          idle.shared.push_back(part);
    if (!idle.shared.empty()) all.push_back(std::move(idle));
  }
  return all;
}

}  // namespace troupe
