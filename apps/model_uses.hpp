// What a job's model takes on the devices of this machine, for its scheduler.
#pragma once

#include <vector>

#include "actors/model_use.hpp"
#include "apps/gpus.hpp"
#include "core/job.hpp"
#include "models/needs_cache.hpp"

namespace troupe {

/// On the CPU and on each class of the GPUs; a device that is not of this
/// machine counts as a CPU. Errors: those of request_limits(); invalid_argument
/// with the faults of what is beyond these; those of model_needs() for the CPU,
/// where no GPU can run it either.
Result<ModelUse> model_use(NeedsCache& cache, const std::vector<Gpu>& gpus,
                           const JobSpec& spec);

/// What a node with these models would say of the job's model and of what is
/// asked of it; none of a kind that has no model.
std::vector<Fault> model_faults(const ModelPlaces& places, const JobSpec& spec);

/// Looks at its folder, for nothing but to see whether that comes back.
void touch_model(const ModelPlaces& places, const std::string& name);

}  // namespace troupe
