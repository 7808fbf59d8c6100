// Followers pull their events here. Keeps what is recent in memory and sends
// for the rest to the history reader; never pushes, never waits for anybody.
#pragma once

#include <caf/actor_system.hpp>

#include "actors/event_rings.hpp"
#include "actors/protocol.hpp"

namespace troupe {

struct EventHubOptions {
  HistoryReaderActor reader;
  EventLimits limits;
  std::uint64_t last_index = 0;  // Of the log at the start: where "now" is.
  std::int64_t reader_timeout_ms = 30'000;
};

EventHubActor spawn_event_hub(caf::actor_system& sys, EventHubOptions options);

}  // namespace troupe
