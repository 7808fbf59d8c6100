#include "core/job.hpp"

#include <algorithm>
#include <tuple>

namespace troupe {

Error unknown_job(JobId id) {
  return {Errc::not_found, "no job " + to_string(id)};
}

std::string_view to_string(JobState state) {
  switch (state) {
    case JobState::blocked:
      return "blocked";
    case JobState::queued:
      return "queued";
    case JobState::running:
      return "running";
    case JobState::succeeded:
      return "succeeded";
    case JobState::failed:
      return "failed";
    case JobState::cancelled:
      return "cancelled";
    case JobState::expired:
      return "expired";
  }
  return "unknown";
}

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::none:
      return "none";
    case Phase::loading:
      return "loading";
    case Phase::executing:
      return "executing";
    case Phase::saving:
      return "saving";
  }
  return "unknown";
}

std::string_view to_string(Priority priority) {
  switch (priority) {
    case Priority::low:
      return "low";
    case Priority::normal:
      return "normal";
    case Priority::high:
      return "high";
  }
  return "unknown";
}

std::string_view to_string(FailureClass klass) {
  switch (klass) {
    case FailureClass::invalid:
      return "invalid";
    case FailureClass::transient:
      return "transient";
    case FailureClass::resource:
      return "resource";
    case FailureClass::model:
      return "model";
    case FailureClass::command:
      return "command";
    case FailureClass::timeout:
      return "timeout";
    case FailureClass::suspect:
      return "suspect";
    case FailureClass::dependency:
      return "dependency";
  }
  return "unknown";
}

std::string_view to_string(OnLost on_lost) {
  switch (on_lost) {
    case OnLost::retry:
      return "retry";
    case OnLost::fail:
      return "fail";
  }
  return "unknown";
}

namespace {

auto key(const RetryPolicy& x) {
  return std::tie(x.max_attempts, x.backoff_ms, x.max_backoff_ms,
                  x.on_command_failure);
}
auto key(const InputRef& x) {
  return std::tie(x.name, x.sha256, x.job, x.output);
}
auto key(const Binding& x) {
  return std::tie(x.path, x.job, x.pointer);
}
auto key(const JobSpec& x) {
  return std::tie(x.id, x.kind, x.model, x.params, x.priority, x.tenant, x.tags,
                  x.parent, x.depends_on, x.not_before_ms, x.deadline_ms,
                  x.timeout_ms, x.on_lost, x.memory_bytes, x.device);
}

}  // namespace

bool same_request(const JobSpec& a, const JobSpec& b) {
  const auto same = [](const auto& x, const auto& y) {
    return key(x) == key(y);
  };
  return key(a) == key(b) && same(a.retry, b.retry) &&
         std::ranges::equal(a.inputs, b.inputs, same) &&
         std::ranges::equal(a.bindings, b.bindings, same);
}

}  // namespace troupe
