// Answers queries from the job store on a thread of its own, beside the
// writer, which never waits for it. Writes nothing.
#pragma once

#include <caf/actor_system.hpp>

#include "actors/protocol.hpp"
#include "persistence/job_store.hpp"

namespace troupe {

struct HistoryReaderOptions {
  const JobStore* store = nullptr;  // Outlives the actor.
  std::uint32_t max_page_jobs = 500;
  std::uint32_t max_page_events = 4'096;
  std::uint32_t max_page_bytes = 56 * 1024;
  bool own_thread = true;
};

HistoryReaderActor spawn_history_reader(caf::actor_system& sys,
                                        HistoryReaderOptions options);

}  // namespace troupe
