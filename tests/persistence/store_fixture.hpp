// A store in a folder of its own, and changes as a scheduler would make them.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "persistence/job_store.hpp"

namespace troupe {

/// Small buffers, so that a few hundred jobs cross every border.
inline StoreOptions small_options() {
  StoreOptions options;
  options.log_buffer_bytes = 64 << 10;
  options.index_buffer_bytes = 64 << 10;
  options.cache_bytes = 1 << 20;
  options.reserve_bytes = 0;
  options.low_water_bytes = 0;
  return options;
}

class ScratchDir {
 public:
  ScratchDir() {
    std::string name = std::filesystem::temp_directory_path() / "store.XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~ScratchDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Makes legal changes, in order, for jobs it invents.
class Author {
 public:
  JobId next_id() { return {1'700'000'000'000ull << 16, ++ids_}; }

  /// Of a command that ends at once.
  JobSpec spec(JobId id) const {
    JobSpec spec;
    spec.id = id;
    spec.kind = "process.run";
    spec.params = R"({"argv":["true"]})";
    spec.tenant = "local";
    return spec;
  }
  Change submit(JobId id) { return submit(spec(id)); }
  Change submit(JobSpec spec) {
    Change change = of(ChangeType::submitted, spec.id);
    spec.submitted_ms = now_ms;
    change.spec = std::move(spec);
    return change;
  }
  Change unblock(JobId id) { return of(ChangeType::unblocked, id); }
  Change start(JobId id) {
    Change change = of(ChangeType::started, id);
    change.attempt = ++attempts_[id];
    change.start = Started{"cpu", 1 << 20, "{}"};
    return change;
  }
  Change requeue(JobId id) {
    Change change = of(ChangeType::requeued, id);
    change.requeue =
        Requeued{{FailureClass::transient, "lost", "lost", {}}, 5, 1, 0};
    return change;
  }
  Change note(JobId id, std::string name) {
    Change change = of(ChangeType::noted, id);
    change.note = Note{std::move(name), "{}", ""};
    return change;
  }
  Change end(JobId id, JobState state = JobState::succeeded) {
    Change change = of(ChangeType::ended, id);
    change.end = JobEnd{state, {}, R"({"ok":true})", {}};
    return change;
  }

  UnixMs now_ms = 1'700'000'000'000;

 private:
  Change of(ChangeType type, JobId id) {
    Change change;
    change.type = type;
    change.job = id;
    change.seq = ++seqs_[id];
    change.attempt = attempts_[id];
    change.time_ms = now_ms;
    return change;
  }

  std::uint64_t ids_ = 0;
  std::map<JobId, std::uint32_t> seqs_;
  std::map<JobId, std::uint32_t> attempts_;
};

class StoreTest : public testing::Test {
 protected:
  StoreTest() { reopen(); }

  void reopen() {
    store.reset();
    auto opened = JobStore::open(dir.path(), options, author.now_ms);
    ASSERT_TRUE(opened) << opened.error().message;
    store = *std::move(opened);
  }
  std::optional<Error> open_error() {
    store.reset();
    auto opened = JobStore::open(dir.path(), options, author.now_ms);
    if (opened) return std::nullopt;
    return opened.error();
  }
  void commit(const std::vector<Change>& changes, bool sync = true) {
    const auto index = store->commit(changes, sync);
    ASSERT_TRUE(index) << index.error().message;
  }
  void index_all() {
    for (bool more = true; more;) {
      const auto step = store->index_step(7);
      ASSERT_TRUE(step) << step.error().message;
      more = *step;
    }
    ASSERT_EQ(store->indexed_index(), store->last_index());
  }
  JobId run_one(JobState state = JobState::succeeded) {
    const auto id = author.next_id();
    commit({author.submit(id)});
    commit({author.start(id)});
    commit({author.end(id, state)});
    return id;
  }
  JobState state(JobId id) {
    const auto summary = store->summary(id);
    EXPECT_TRUE(summary) << summary.error().message;
    return summary ? summary->state : JobState::expired;
  }
  Errc code(JobId id) {
    const auto summary = store->summary(id);
    EXPECT_FALSE(summary);
    return summary ? Errc::internal : summary.error().code;
  }
  std::vector<JobId> ids(ListRequest request) {
    std::vector<JobId> out;
    while (true) {
      const auto page = store->list(request);
      EXPECT_TRUE(page) << page.error().message;
      if (!page) return out;
      for (const auto& job : page->jobs) out.push_back(job.spec.id);
      if (page->next_before_index == 0) return out;
      request.before_index = page->next_before_index;
    }
  }
  std::vector<LiveJob> live() {
    std::vector<LiveJob> out;
    const auto told =
        store->for_each_live([&](const LiveJob& job) { out.push_back(job); });
    EXPECT_TRUE(told) << told.error().message;
    return out;
  }

  ScratchDir dir;
  StoreOptions options = small_options();
  Author author;
  std::unique_ptr<JobStore> store;
};

}  // namespace troupe
