// Fills in what a job takes from earlier ones when it starts: parameters from
// their results, input files from their artifacts. Changes nothing else.
#pragma once

#include <functional>

#include "actors/executor.hpp"
#include "core/kind.hpp"

namespace troupe {

/// How the job with this id ended. Errors: not_found, forgotten, unavailable.
using EndOf = std::function<Result<JobEnd>(JobId)>;

/// Sets `assignment.inputs` and fills the bindings into
/// `assignment.spec.params`. Errors: invalid_argument (the earlier job has no
/// such output or result field, or `kind` wants another value there; the text
/// names both sides), what `end_of` says.
Status resolve(Assignment& assignment, const EndOf& end_of,
               const Kind* kind = nullptr);

}  // namespace troupe
