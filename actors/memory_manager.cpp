#include "actors/memory_manager.hpp"

#include <caf/typed_event_based_actor.hpp>

#include "actors/ledger.hpp"

namespace troupe {
namespace {

class MemoryManagerState {
 public:
  static inline const char* name = "troupe.memory-manager";

  MemoryManagerState(MemoryManagerActor::pointer,
                     MemoryManagerOptions options) {
    for (const auto& device : options.devices)
      ledger_.set_device(device.name, device.memory_bytes);
  }

  MemoryManagerActor::behavior_type make_behavior() {
    return {
        [this](reserve_atom, const std::vector<Reservation>& wanted) {
          ReserveReply reply;
          reply.granted.reserve(wanted.size());
          for (const auto& r : wanted)
            reply.granted.push_back(ledger_.reserve(r) ? 1 : 0);
          return reply;
        },
        [this](release_atom, const std::vector<Reservation>& done) {
          for (const auto& r : done) ledger_.release(r.owner, r.device);
        },
        [this](drop_atom, const std::vector<ModelDrop>& gone) {
          for (const auto& d : gone) ledger_.drop(d.device, d.model);
        },
        [this](device_atom, const DeviceInfo& device) {
          ledger_.set_device(device.name, device.memory_bytes);
        },
        [this](report_atom) { return ledger_.report(); },
    };
  }

 private:
  Ledger ledger_;
};

}  // namespace

MemoryManagerActor spawn_memory_manager(caf::actor_system& sys,
                                        MemoryManagerOptions options) {
  return sys.spawn<MemoryManagerActor::stateful_impl<MemoryManagerState>>(
      std::move(options));
}

}  // namespace troupe
