#include "actors/retry.hpp"

#include <algorithm>

namespace troupe {

bool may_retry(FailureClass klass, const RetryPolicy& policy) {
  switch (klass) {
    case FailureClass::transient:
    case FailureClass::resource:
      return true;
    case FailureClass::command:
    case FailureClass::timeout:
      return policy.on_command_failure;
    case FailureClass::invalid:
    case FailureClass::model:
    case FailureClass::suspect:
    case FailureClass::dependency:
      return false;
  }
  return false;
}

std::int64_t backoff_ms(const RetryPolicy& policy, std::uint32_t failures,
                        Random& random) {
  const std::int64_t top = std::max<std::int64_t>(policy.max_backoff_ms, 0);
  std::int64_t wait = std::clamp<std::int64_t>(policy.backoff_ms, 0, top);
  for (std::uint32_t i = 1; i < failures && wait < top && wait > 0; ++i)
    wait = wait > top / 2 ? top : wait * 2;
  if (wait == 0) return 0;
  const std::int64_t half = wait / 2;
  return half +
         static_cast<std::int64_t>(random.next() %
                                   static_cast<std::uint64_t>(wait - half + 1));
}

}  // namespace troupe
