// What a new scheduler reads of the store: live jobs in queue order, orders
// still in force, and what is known of jobs that ended.
#pragma once

#include <functional>

#include "actors/schedule.hpp"
#include "persistence/job_store.hpp"

namespace troupe {

/// Calls `job` for each live job and `order` for each control order, each in
/// log order. Errors: those of the store.
Status restore_from(const JobStore& store,
                    const std::function<void(const RestoredJob&)>& job,
                    const std::function<void(const ControlRequest&)>& order);

/// What a change after the start of `job`'s running attempt says of that.
/// REQUIRES: in log order.
void take_note(const Change& change, RestoredJob& job);

/// Jobs that are not live, from the store.
class StorePastJobs : public PastJobs {
 public:
  /// `store` outlives this.
  explicit StorePastJobs(const JobStore& store) : store_{store} {}
  Result<PastJob> find(JobId id) override;

 private:
  const JobStore& store_;
};

/// The order as a control entry's note keeps it, and back; nothing for notes
/// that are no such order.
std::optional<ControlRequest> control_order(const Change& change);

}  // namespace troupe
