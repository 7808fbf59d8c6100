#include "actors/instant.hpp"

#include <caf/typed_event_based_actor.hpp>

#include "actors/supervisor.hpp"

namespace troupe {
namespace {

using SelfActor = Supervised<ExecutorActor>;

class InstantState {
 public:
  static inline const char* name = "troupe.instant";

  InstantState(SelfActor::pointer self, InstantOptions options)
      : self_{self}, options_{std::move(options)} {}

  SelfActor::behavior_type make_behavior() {
    announce();
    return {
        [this](assign_atom, const std::vector<Assignment>& list) {
          std::vector<AttemptEnd> ends;
          ends.reserve(list.size());
          for (const auto& a : list) ends.push_back({a.token, JobEnd{}});
          self_->send(options_.scheduler, ended_atom_v, std::move(ends));
        },
        [](stop_atom, const std::vector<StopOrder>&) {},
        [this](drop_atom, const std::vector<ModelDrop>& drops) {
          self_->send(options_.scheduler, drop_atom_v, drops);
        },
        [this](bind_atom, const std::string&, const caf::actor& scheduler) {
          options_.scheduler = caf::actor_cast<SchedulerActor>(scheduler);
          announce();
        },
    };
  }

 private:
  void announce() {
    self_->send(
        options_.scheduler, device_atom_v, options_.device,
        caf::actor_cast<caf::actor>(caf::strong_actor_ptr{self_->ctrl()}));
  }

  SelfActor::pointer self_;
  InstantOptions options_;
};

}  // namespace

ExecutorActor spawn_instant(caf::actor_system& sys, InstantOptions options) {
  return sys.spawn<SelfActor::stateful_impl<InstantState>>(std::move(options));
}

}  // namespace troupe
