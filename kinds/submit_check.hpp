// The check every job passes once, at the head, when it is submitted: what is
// common to all kinds, then the kind's own. Pure; knows no other job.
#pragma once

#include <vector>

#include "config/options.hpp"
#include "core/kind.hpp"

namespace troupe {

/// All that is wrong with `spec`, each with its path ("tags[2]",
/// "params.argv"); empty: it may be stored. Then `spec` is normalised:
/// parameters have their defaults, and the jobs named by inputs and bindings
/// stand in depends_on, each once.
std::vector<Fault> check_submit(JobSpec& spec, const Kinds& kinds,
                                const JobConfig& limits);

/// An Error for people and scripts: the first fault in words, all of them as
/// data. REQUIRES: not empty.
Error submit_error(std::vector<Fault> faults);

/// "" or "/a/0/b~1c" (RFC 6901).
bool is_json_pointer(std::string_view text);

}  // namespace troupe
