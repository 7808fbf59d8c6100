// Stand for scheduler and event hub of an executor under test: what it says to
// them is handed to the test as messages.
#pragma once

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <vector>

#include "actors/protocol.hpp"

namespace troupe {

inline SchedulerActor::behavior_type stand_in_scheduler(
    const caf::actor& test) {
  return {
      [](submit_atom, const SubmitRequest&) { return SubmitReply{}; },
      [](cancel_atom, const CancelRequest&) { return CancelReply{}; },
      [](control_atom, const ControlRequest&) { return ControlReply{}; },
      [](explain_atom, const ExplainRequest&) { return ExplainReply{}; },
      [](status_atom) { return ControlReply{}; },
      [=](device_atom, const DeviceInfo& device, const caf::actor& executor) {
        caf::anon_send(test, device_atom_v, device, executor);
      },
      [=](ended_atom, const std::vector<AttemptEnd>& ends) {
        caf::anon_send(test, ended_atom_v, ends);
      },
      [=](heartbeat_atom, const std::vector<Token>& tokens) {
        caf::anon_send(test, heartbeat_atom_v, tokens);
      },
      [=](drop_atom, const std::vector<ModelDrop>& drops) {
        caf::anon_send(test, drop_atom_v, drops);
      },
      [=](note_atom, const std::vector<AttemptNote>& notes) {
        caf::anon_send(test, note_atom_v, notes);
      },
  };
}

inline EventHubActor::behavior_type stand_in_hub(const caf::actor& test) {
  return {
      [](committed_atom, const Committed&) {},
      [=](live_atom, const std::vector<LiveEvent>& events) {
        caf::anon_send(test, live_atom_v, events);
      },
      [](pull_atom, const PullRequest&) { return PullReply{}; },
      [](progress_atom, const ShowReply& reply) { return reply; },
  };
}

}  // namespace troupe
