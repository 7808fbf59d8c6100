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

/// What `why`, an Error about the job's model, says of the job: what of the
/// parameters the model cannot do, else that the model cannot be used.
std::vector<Fault> faults_of_model(const JobSpec& spec, const Error& why);

/// Adds what is said of the same job with more knowledge: of one path that is
/// what is told, since it leaves less room.
void add_narrower(std::vector<Fault>& faults, std::vector<Fault> narrower);

/// Of a job; an answer is one message, whose bytes are limited.
inline constexpr std::size_t kMaxToldFaults = 100;

/// An Error for people and scripts: the first fault in words, all of them as
/// data, but of more than kMaxToldFaults how many more there are.
/// REQUIRES: not empty.
Error submit_error(std::vector<Fault> faults);

/// "" or "/a/0/b~1c" (RFC 6901).
bool is_json_pointer(std::string_view text);

}  // namespace troupe
