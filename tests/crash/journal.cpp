#include "tests/crash/journal.hpp"

#include <algorithm>
#include <fstream>
#include <utility>

#include "codec/json.hpp"
#include "platform/sha256.hpp"

namespace troupe::test {

namespace {

// $1: the job's id, $2: seconds to sleep, $3: the witness's file.
constexpr const char* kScript =
    "echo began >> \"$3\" && sleep \"$2\" && printf 'made by %s' \"$1\" > out";

}  // namespace

std::string expected_content(JobId id) {
  return "made by " + to_string(id);
}

Journal::Journal(std::filesystem::path witnesses, std::string marker)
    : witnesses_{std::move(witnesses)}, marker_{std::move(marker)} {}

JobSpec Journal::job(JobId id, std::int64_t sleep_ms, bool once) const {
  const auto equals = marker_.find('=');
  Json params;
  params["argv"] = {"/bin/sh",
                    "-c",
                    kScript,
                    "sh",
                    to_string(id),
                    std::to_string(sleep_ms / 1000.0),
                    (witnesses_ / to_string(id)).string()};
  params["env"][marker_.substr(0, equals)] = marker_.substr(equals + 1);
  params["inherit_env"] = {"PATH"};
  params["outputs"] = {"out"};
  JobSpec spec;
  spec.id = id;
  spec.kind = "process.run";
  spec.params = params.dump();
  spec.memory_bytes = 1 << 20;
  spec.retry.backoff_ms = 50;
  spec.on_lost = once ? OnLost::fail : OnLost::retry;
  return spec;
}

void Journal::asked(const JobSpec& spec) {
  const std::lock_guard lock{mutex_};
  open_[spec.id] = spec.on_lost == OnLost::fail;
}

void Journal::acknowledged(JobId id) {
  const std::lock_guard lock{mutex_};
  const auto node = open_.extract(id);
  if (!node.empty()) acknowledged_[id] = node.mapped();
}

void Journal::refused(JobId id, const Error& error) {
  const std::lock_guard lock{mutex_};
  open_.erase(id);
  // An outcome that stays open is no refusal: nothing was promised.
  if (error.code == Errc::timeout || error.code == Errc::unavailable ||
      error.code == Errc::cancelled)
    return;
  refusals_.push_back(to_string(id) + ": " + error.message);
}

std::size_t Journal::unanswered() const {
  const std::lock_guard lock{mutex_};
  return open_.size();
}

std::vector<JobId> Journal::acknowledged_ids() const {
  const std::lock_guard lock{mutex_};
  std::vector<JobId> ids;
  for (const auto& [id, once] : acknowledged_) ids.push_back(id);
  return ids;
}

std::vector<std::string> Journal::refusals() const {
  const std::lock_guard lock{mutex_};
  return refusals_;
}

std::uint32_t Journal::attempts_seen(JobId id) const {
  std::ifstream in{witnesses_ / to_string(id)};
  std::uint32_t lines = 0;
  for (std::string line; std::getline(in, line);) ++lines;
  return lines;
}

std::vector<std::string> Journal::faults_of(const JobView& view) const {
  std::vector<std::string> faults;
  const auto fault = [&](const std::string& what) {
    faults.push_back(to_string(view.spec.id) + ": " + what);
  };
  if (!is_terminal(view.state))
    fault("is still " + std::string(to_string(view.state)));
  if (view.state == JobState::succeeded) {
    const auto out =
        std::ranges::find(view.artifacts, "out", &ArtifactRef::name);
    if (out == view.artifacts.end())
      fault("succeeded without its file");
    else if (out->sha256 !=
             platform::sha256_hex(expected_content(view.spec.id)))
      fault("its file has the wrong hash");
  } else if (!view.failure) {
    fault("ended as " + std::string(to_string(view.state)) +
          " without a failure");
  } else if (view.failure->klass != FailureClass::suspect &&
             view.failure->klass != FailureClass::transient) {
    fault("failed: " + view.failure->reason + ": " + view.failure->message);
  }
  const auto seen = attempts_seen(view.spec.id);
  if (seen > view.attempt)
    fault("ran " + std::to_string(seen) + " times in " +
          std::to_string(view.attempt) + " attempts");
  if (view.spec.on_lost == OnLost::fail && seen > 1)
    fault("may run once and ran " + std::to_string(seen) + " times");
  return faults;
}

std::vector<std::string> Journal::faults_of(
    JobId id, const std::vector<LogEntry>& events) const {
  std::vector<std::string> faults;
  std::uint32_t seq = 0;
  std::uint32_t ends = 0;
  for (const LogEntry& event : events) {
    if (event.change.seq != ++seq)
      faults.push_back(to_string(id) + ": event " + std::to_string(seq) +
                       " is missing");
    ends += event.change.type == ChangeType::ended ? 1 : 0;
  }
  if (ends != 1)
    faults.push_back(to_string(id) + ": ended " + std::to_string(ends) +
                     " times");
  return faults;
}

}  // namespace troupe::test
