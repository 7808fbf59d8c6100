// Job ids as people give them on the command line.
#pragma once

#include <string>
#include <vector>

#include "core/id.hpp"
#include "core/result.hpp"

namespace troupe {

/// Errors: invalid_argument, saying what an id looks like.
Result<JobId> job_id(const std::string& text);
Result<std::vector<JobId>> job_ids(const std::vector<std::string>& texts);

}  // namespace troupe
