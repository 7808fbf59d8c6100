// Where a job can start: what the scheduler believes of every device, and the
// choice among those that have room.
//
// Slots: an attempt without a model holds one of its device's. Those that use
// a model there hold as many together as its engine needs to compute them: one
// for each `batch` of them, begun ones too.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/model_use.hpp"
#include "actors/names.hpp"
#include "core/device.hpp"

namespace troupe {

/// A model that is on a device, or that a reservation there was made for: its
/// bytes stay reserved until the device says that it is gone.
struct Resident {
  std::uint32_t model = 0;  // Number in Schedule's table of models.
  std::uint32_t kind = 0;   // Its executor there is the one that has it.
  std::uint64_t bytes = 0;
  std::uint32_t users = 0;  // Attempts, reserving ones too.
  std::uint32_t batch = 1;  // Of them, computed at once: one slot's.
  SteadyMs idle_since = 0;  // Without users.
  bool reserved = false;    // The ledger granted it.
  bool leaving = false;     // It was told to go.

  /// That so many users hold together.
  std::uint32_t slots_of(std::uint32_t n) const {
    return (n + batch - 1) / batch;
  }
  std::uint32_t slots() const { return slots_of(users); }
};

struct Need;

struct DeviceState {
  DeviceInfo info;
  std::uint32_t name = 0;  // Number in the table of places.
  std::uint32_t klass = 0;
  std::vector<std::uint32_t> kinds;
  bool known = false;  // Was up once; else only named by a restored attempt.
  bool up = false;
  bool paused = false;
  std::uint64_t used_bytes = 0;
  std::uint32_t lone = 0;      // Attempts without a model.
  SteadyMs refused_until = 0;  // The ledger had less than we thought.
  std::vector<Resident> residents;

  /// Null: it is not there.
  Resident* resident(std::uint32_t model);
  const Resident* resident(std::uint32_t model) const;
  /// Of the models that nobody uses, those told to go included.
  std::uint64_t idle_bytes() const;

  bool serves(std::uint32_t kind) const;
  bool takes(std::uint32_t place) const {
    return place == 0 || place == name || place == klass;
  }
  std::uint64_t free_bytes() const {
    return info.memory_bytes - std::min(info.memory_bytes, used_bytes);
  }
  std::uint32_t used_slots() const;
  /// What the start there of one with this need would add to them: none where
  /// a batch of its model has room.
  std::uint32_t added_slots(const Need& need) const;
  bool has_slot(const Need& need) const {
    const auto added = added_slots(need);
    return up && !paused && (added == 0 || used_slots() + added <= info.slots);
  }
  /// For anybody: a slot, or room in some model's batch.
  bool has_some_slot() const;
  /// Used slots as a part of all, once `need` has started there; a batch that
  /// is half full counts as half a slot: of devices alike, the one that
  /// computes less.
  double load_with(const Need& need) const;
  /// The part of the device that so many bytes and one slot are.
  double share_of(std::uint64_t bytes) const;
};

/// What a model takes, by the number of a device's class in the table of
/// places.
struct ModelSizes {
  struct Size {
    /// Nothing: devices of that class cannot run it.
    std::optional<std::uint64_t> bytes = 0;
    std::uint32_t batch = 1;
  };
  Size other;
  std::vector<std::pair<std::uint32_t, Size>> classes;

  const Size& on(const DeviceState& device) const;
};

/// What a job asks of a device.
struct Need {
  std::uint32_t kind = 0;
  std::uint32_t place = 0;            // 0: any.
  std::uint64_t memory_bytes = 0;     // Its own.
  std::uint32_t model = 0;            // 0: none.
  const ModelSizes* sizes = nullptr;  // Of the model; null: there is none.

  bool can_run_on(const DeviceState& device) const {
    return sizes == nullptr || sizes->on(device).bytes.has_value();
  }
  /// Shared by all who use the model there. REQUIRES: it can run there.
  std::uint64_t model_bytes(const DeviceState& device) const {
    return sizes == nullptr ? 0 : *sizes->on(device).bytes;
  }
  std::uint64_t all_bytes(const DeviceState& device) const {
    return memory_bytes + model_bytes(device);
  }
  /// Of those that use the model there, how many share a slot.
  std::uint32_t batch(const DeviceState& device) const {
    return sizes == nullptr ? 1 : sizes->on(device).batch;
  }
};

/// Devices by number; none is ever removed.
class Devices {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  explicit Devices(Names& kinds) : kinds_{kinds} {}

  /// Its number; a new one is not known and not up.
  std::uint32_t number(const std::string& name);
  std::uint32_t find(const std::string& name) const;
  void set_up(const DeviceInfo& info);

  DeviceState& operator[](std::uint32_t n) { return devices_[n]; }
  const DeviceState& operator[](std::uint32_t n) const { return devices_[n]; }
  std::uint32_t size() const {
    return static_cast<std::uint32_t>(devices_.size());
  }
  bool any_slot() const;  // See has_some_slot().

  /// Names of devices and device classes, numbered: Need::place.
  Names& places() { return places_; }
  const Names& places() const { return places_; }

  /// Up, not paused, serves the kind, can run the model, is what the job wants
  /// and is big enough when empty.
  bool could_take(const DeviceState& device, const Need& need) const;
  /// What its start there would add to what is reserved. REQUIRES: it can run
  /// there.
  static std::uint64_t added_bytes(const DeviceState& device, const Need& need);
  bool has_memory(const DeviceState& device, const Need& need,
                  SteadyMs now) const;
  /// True: some device could take it, and none of those has the memory now.
  bool lacks_memory(const Need& need, SteadyMs now) const;
  /// True: some device could take it, and on each of those it lacks memory, or
  /// a slot while models hold some there, which may never come free: others
  /// join them. (Where every job has its own, slots come free in turn.)
  bool lacks_room(const Need& need, SteadyMs now) const;

  /// Nothing where it might start, now or later; else why it never can, with
  /// the figures. Knows only devices that were up once; with none, it waits.
  std::optional<Fault> never_fits(const std::string& kind,
                                  const std::string& place,
                                  std::uint64_t memory_bytes,
                                  const ModelUse& use) const;

 private:
  Names& kinds_;
  Names places_;
  std::vector<DeviceState> devices_;
};

}  // namespace troupe
