#include <set>

#include "platform/sha256.hpp"
#include "tests/persistence/store_fixture.hpp"

namespace troupe {
namespace {

class RetentionTest : public StoreTest {
 protected:
  // Until nothing more is to do.
  std::uint32_t retain(const RetentionPolicy& policy,
                       const std::function<bool(JobId)>& pinned = {}) {
    std::uint32_t forgotten = 0;
    for (bool more = true; more;) {
      const auto step = store->retain_step(policy, author.now_ms, pinned);
      EXPECT_TRUE(step) << step.error().message;
      if (!step) break;
      forgotten += step->forgotten;
      orphaned.insert(step->orphaned.begin(), step->orphaned.end());
      more = step->more || step->forgotten > 0;
    }
    return forgotten;
  }
  JobId run_with(std::vector<std::string> files,
                 std::vector<std::string> inputs = {}) {
    JobSpec spec;
    spec.id = author.next_id();
    spec.kind = "k";
    spec.tags = {"t"};
    for (const auto& input : inputs)
      spec.inputs.push_back({"in", input, {}, ""});
    commit({author.submit(spec), author.start(spec.id)});
    auto end = author.end(spec.id);
    for (const auto& file : files)
      end.end->artifacts.push_back({"out", file, 1, ""});
    commit({end});
    return spec.id;
  }

  std::set<std::string> orphaned;
};

TEST_F(RetentionTest, ForgetsTheOldestEndsBeyondTheCount) {
  std::vector<JobId> all;
  for (int i = 0; i < 10; ++i) all.push_back(run_one());
  EXPECT_EQ(retain({.max_jobs = 4, .max_per_step = 3}), 6u);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 6; ++i) EXPECT_EQ(code(all[i]), Errc::forgotten);
    for (int i = 6; i < 10; ++i) EXPECT_EQ(state(all[i]), JobState::succeeded);
    EXPECT_EQ(ids({}).size(), 4u);
    EXPECT_EQ(ids({.states = {JobState::succeeded}}).size(), 4u);
    EXPECT_EQ(ids({.kind = "process.run"}).size(), 4u);
    if (round == 0) index_all();
    if (round == 1) reopen();
  }
  EXPECT_EQ(store->view(all[0]).error().code, Errc::forgotten);
  EXPECT_EQ(store->job_events(all[0], 0, 9, 999).error().code, Errc::forgotten);
  EXPECT_EQ(retain({.max_jobs = 4}), 0u);
}

TEST_F(RetentionTest, ForgetsByAgeSinceTheEnd) {
  const auto old = run_one();
  author.now_ms += 1'000;
  const auto young = run_one();
  EXPECT_EQ(retain({.max_age_ms = 1'000}), 0u);
  author.now_ms += 1;
  EXPECT_EQ(retain({.max_age_ms = 1'000}), 1u);
  EXPECT_EQ(code(old), Errc::forgotten);
  EXPECT_EQ(state(young), JobState::succeeded);
}

TEST_F(RetentionTest, KeepsEverythingWithoutAPolicy) {
  run_one();
  author.now_ms += 1'000'000'000;
  EXPECT_EQ(retain({}), 0u);
}

TEST_F(RetentionTest, KeepsLiveJobsAndWhatTheyDependOn) {
  const auto needed = run_one();
  const auto pinned = run_one();
  const auto free = run_one();
  JobSpec spec;
  spec.id = author.next_id();
  spec.depends_on = {needed};
  commit({author.submit(spec)});
  const auto keep = [&](JobId id) { return id == pinned; };
  author.now_ms += 10;
  EXPECT_EQ(retain({.max_age_ms = 1, .max_jobs = 1}, keep), 1u);
  EXPECT_EQ(code(free), Errc::forgotten);
  EXPECT_EQ(state(needed), JobState::succeeded);
  EXPECT_EQ(state(spec.id), JobState::blocked);
  reopen();
  EXPECT_EQ(retain({.max_age_ms = 1}, keep), 0u);
  commit({author.end(spec.id, JobState::cancelled)});
  author.now_ms += 10;
  EXPECT_EQ(retain({.max_age_ms = 1}), 3u);
  EXPECT_EQ(code(needed), Errc::forgotten);
}

TEST_F(RetentionTest, RefusesASubmitOfAForgottenId) {
  const auto id = run_one();
  author.now_ms += 10;
  ASSERT_EQ(retain({.max_age_ms = 1}), 1u);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(
        store->commit(std::vector{Author{}.submit(id)}, true).error().code,
        Errc::forgotten);
    if (round == 0) index_all();
    if (round == 1) reopen();
  }
}

TEST_F(RetentionTest, TellsWhichArtifactsNobodyNamesAnyMore) {
  const auto a = platform::sha256_hex("a");
  const auto b = platform::sha256_hex("b");
  const auto c = platform::sha256_hex("c");
  run_with({a, b}, {c});
  author.now_ms += 100;
  const auto user = run_with({}, {b});
  EXPECT_TRUE(*store->refers_to(a));
  EXPECT_TRUE(*store->refers_to(c));
  ASSERT_EQ(retain({.max_age_ms = 50}), 1u);
  EXPECT_EQ(orphaned, (std::set{a, c}));
  EXPECT_FALSE(*store->refers_to(a));
  EXPECT_TRUE(*store->refers_to(b));
  author.now_ms += 100;
  ASSERT_EQ(retain({.max_age_ms = 50}), 1u);
  EXPECT_EQ(code(user), Errc::forgotten);
  EXPECT_FALSE(*store->refers_to(b));
  reopen();
  EXPECT_FALSE(*store->refers_to(b));
}

TEST_F(RetentionTest, AForgottenJobNamesNothingBeforeTheIndexKnowsOfIt) {
  const auto out = platform::sha256_hex("out");
  const auto shared = platform::sha256_hex("shared");
  run_with({out, shared});
  author.now_ms += 100;
  run_with({shared});
  const auto step = store->retain_step({.max_age_ms = 50}, author.now_ms, {});
  ASSERT_TRUE(step) << step.error().message;
  ASSERT_LT(store->indexed_index(), store->last_index());
  EXPECT_EQ(step->orphaned, std::vector<std::string>{out});
  EXPECT_FALSE(*store->refers_to(out));
  EXPECT_TRUE(*store->refers_to(shared));
  reopen();
  EXPECT_FALSE(*store->refers_to(out));
}

TEST_F(RetentionTest, RemovesAJobsEntriesAndNobodyElses) {
  std::vector<JobId> kept;
  for (int i = 0; i < 200; ++i) {
    const auto id = author.next_id();
    commit({author.submit(id), author.start(id), author.note(id, "n"),
            author.end(id)},
           i == 199);
    if (i >= 150) kept.push_back(id);
  }
  EXPECT_EQ(retain({.max_jobs = 50, .max_per_step = 64}), 150u);
  index_all();
  reopen();
  std::set<JobId> seen;
  std::uint64_t after = 0;
  std::size_t entries_of_jobs = 0;
  while (true) {
    const auto entries = store->log_after(after, 64, 1 << 20);
    ASSERT_TRUE(entries);
    if (entries->empty()) break;
    for (const auto& entry : *entries) {
      ASSERT_GT(entry.index, after);
      after = entry.index;
      if (!entry.change.job || entry.change.type == ChangeType::forgotten)
        continue;
      seen.insert(entry.change.job);
      ++entries_of_jobs;
    }
  }
  EXPECT_EQ(seen, (std::set<JobId>{kept.begin(), kept.end()}));
  EXPECT_EQ(entries_of_jobs, 50u * 4);
  EXPECT_EQ(after, store->last_index());
}

TEST_F(RetentionTest, ForgetsAgainWhatTheIndexLostInACrash) {
  std::vector<JobId> all;
  for (int i = 0; i < 20; ++i) all.push_back(run_one());
  ASSERT_EQ(retain({.max_jobs = 5}), 15u);
  // As kill -9 leaves it: the index's memory is gone, the log is not.
  const ScratchDir copy;
  std::filesystem::copy(dir.path(), copy.path() / "c",
                        std::filesystem::copy_options::recursive);
  auto opened = JobStore::open(copy.path() / "c", options, author.now_ms);
  ASSERT_TRUE(opened) << opened.error().message;
  store = *std::move(opened);
  EXPECT_EQ(code(all[0]), Errc::forgotten);
  EXPECT_EQ(ids({}).size(), 5u);
  EXPECT_EQ(retain({.max_jobs = 2}), 3u);
  store.reset();
}

}  // namespace
}  // namespace troupe
