// Whether a failed attempt is tried again, and when.
#pragma once

#include "core/clock.hpp"
#include "core/job.hpp"

namespace troupe {

/// By class alone: transient and resource are retried; command and timeout
/// where the job asks; the others never.
bool may_retry(FailureClass klass, const RetryPolicy& policy);

/// Milliseconds before the next try after `failures` of them (from 1):
/// backoff_ms doubled for each failure after the first, at most
/// max_backoff_ms, and of that a random part between a half and the whole.
std::int64_t backoff_ms(const RetryPolicy& policy, std::uint32_t failures,
                        Random& random);

}  // namespace troupe
