// Works on a store and its artifacts until it is done or the power is cut:
// store_workload DIR SEED [answer_before_sync] [skip_directory_sync]. Prints a
// line for each answer that a client would have:
//   submitted ID | ended ID SHA256 | failed MESSAGE
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "persistence/artifact_store.hpp"
#include "persistence/job_store.hpp"
#include "platform/file.hpp"
#include "platform/sha256.hpp"

namespace {

using namespace troupe;

void answer(const std::string& line) {
  (void)!::write(STDOUT_FILENO, (line + "\n").data(), line.size() + 1);
}

[[noreturn]] void fail(const Error& error) {
  answer("failed " + error.message);
  std::exit(2);
}

template <class T>
T need(Result<T> result) {
  if (!result) fail(result.error());
  return *std::move(result);
}

class Workload {
 public:
  Workload(JobStore& store, ArtifactStore& artifacts, std::uint64_t seed)
      : store_{store}, artifacts_{artifacts}, random_{seeded_random(seed)} {
    const auto told = store.for_each_live(
        [&](const LiveJob& job) { live_.push_back(job.summary); });
    if (!told) fail(told.error());
  }

  void step() {
    switch (random_->next() % 4) {
      case 0:
        return submit();
      case 1:
        return start();
      case 2:
        return end();
      default:
        need(store_.index_step(1 + random_->next() % 8));
    }
  }

 private:
  Change of(ChangeType type, const JobSummary& job) {
    Change change;
    change.type = type;
    change.job = job.id;
    change.seq = job.seq + 1;
    change.attempt = job.attempt;
    return change;
  }

  void submit() {
    std::vector<Change> changes;
    for (auto n = 1 + random_->next() % 5; n > 0; --n) {
      JobSummary job;
      job.id = {random_->next(), random_->next()};
      Change change = of(ChangeType::submitted, job);
      change.spec.emplace();
      change.spec->id = job.id;
      change.spec->kind = "noop";
      change.spec->params = std::string(random_->next() % 3'000, 'p');
      changes.push_back(std::move(change));
    }
    need(store_.commit(changes, true));
    for (const auto& change : changes) {
      answer("submitted " + to_string(change.job));
      live_.push_back(need(store_.summary(change.job)));
    }
  }

  void start() {
    for (JobSummary& job : live_) {
      if (job.state != JobState::queued || random_->next() % 2 == 0) continue;
      Change change = of(ChangeType::started, job);
      ++change.attempt;
      change.start = Started{};
      need(store_.commit({&change, 1}, random_->next() % 4 == 0));
      job = need(store_.summary(job.id));
      return;
    }
  }

  void end() {
    for (std::size_t i = 0; i < live_.size(); ++i) {
      if (live_[i].state != JobState::running) continue;
      const auto file = put(to_string(live_[i].id) +
                            std::string(random_->next() % 9'000, 'f'));
      Change change = of(ChangeType::ended, live_[i]);
      change.end = JobEnd{JobState::succeeded, {}, "{}", {file}};
      need(store_.commit({&change, 1}, true));
      answer("ended " + to_string(change.job) + " " + file.sha256);
      live_.erase(live_.begin() + static_cast<long>(i));
      return;
    }
  }

  // By upload or as an attempt's output.
  ArtifactRef put(const std::string& bytes) {
    ArtifactRef file{"out", platform::sha256_hex(bytes), bytes.size(), ""};
    if (random_->next() % 2 == 0) {
      auto state = need(artifacts_.begin({file.sha256, file.bytes, ""}));
      while (!state.complete)
        state = need(artifacts_.append(
            {file.sha256, state.offset, bytes.substr(state.offset, 4'000)}));
      return file;
    }
    const auto output = artifacts_.dir() / "output";
    need(platform::write_file_atomically(output, bytes));
    return need(artifacts_.save(output, file.name, ""));
  }

  JobStore& store_;
  ArtifactStore& artifacts_;
  std::unique_ptr<Random> random_;
  std::vector<JobSummary> live_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 1;
  const std::filesystem::path dir = argv[1];
  StoreOptions options;
  options.log_buffer_bytes = 64 << 10;
  options.index_buffer_bytes = 64 << 10;
  options.cache_bytes = 1 << 20;
  options.reserve_bytes = 0;
  options.low_water_bytes = 0;
  ArtifactOptions artifact_options;
  for (int i = 3; i < argc; ++i) {
    const std::string_view defect = argv[i];
    options.test_hooks.answer_before_sync |= defect == "answer_before_sync";
    artifact_options.skip_directory_sync |= defect == "skip_directory_sync";
  }
  const auto artifacts_dir = dir / "artifacts";
  const auto artifacts =
      need(ArtifactStore::open(artifacts_dir, artifact_options));
  const auto store = need(JobStore::open(dir / "store", options, 1));
  Workload workload{*store, *artifacts, std::strtoull(argv[2], nullptr, 10)};
  for (int i = 0; i < 400; ++i) workload.step();
  return 0;
}
