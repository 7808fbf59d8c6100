// Retention against a plain model: whatever the order of submits, ends and
// sweeps, it removes what it may and nothing else.
#include <rapidcheck.h>
#include <stdlib.h>

#include <set>

#include "tests/persistence/store_fixture.hpp"

namespace troupe {
namespace {

struct Known {
  JobId id;
  std::vector<JobId> needs;
  bool ended = false;
  bool forgotten = false;
  UnixMs ended_ms = 0;
};

class RetentionProperty : public StoreTest {
 protected:
  void submit(std::vector<Known>& jobs) {
    JobSpec spec;
    spec.id = author.next_id();
    spec.kind = "k";
    if (!jobs.empty() && *rc::gen::arbitrary<bool>()) {
      const auto& other = any(jobs);
      if (!other.forgotten) spec.depends_on = {other.id};
    }
    commit({author.submit(spec)}, false);
    jobs.push_back({spec.id, spec.depends_on});
  }
  void end(std::vector<Known>& jobs) {
    auto& job = any(jobs);
    if (job.ended) return;
    commit({author.end(job.id, JobState::cancelled)}, false);
    job.ended = true;
    job.ended_ms = author.now_ms;
  }
  /// Sweeps until nothing is left to do, and looks who is gone.
  void sweep(std::vector<Known>& jobs, const RetentionPolicy& policy) {
    for (bool more = true; more;) {
      const auto step = store->retain_step(policy, author.now_ms, {});
      RC_ASSERT(static_cast<bool>(step));
      more = step->more || step->forgotten > 0;
    }
    std::set<JobId> needed;
    for (const auto& job : jobs)
      if (!job.ended) needed.insert(job.needs.begin(), job.needs.end());
    std::uint64_t free_to_go = 0;
    for (auto& job : jobs) {
      const auto summary = store->summary(job.id);
      const bool gone = !summary;
      if (gone) RC_ASSERT(summary.error().code == Errc::forgotten);
      if (job.forgotten) {
        RC_ASSERT(gone);  // For ever.
        continue;
      }
      const bool may_go = job.ended && !needed.contains(job.id);
      if (gone) RC_ASSERT(may_go);
      const bool too_old = policy.max_age_ms > 0 &&
                           author.now_ms - job.ended_ms > policy.max_age_ms;
      if (may_go && too_old) RC_ASSERT(gone);
      job.forgotten = gone;
      free_to_go += may_go && !gone ? 1 : 0;
    }
    if (policy.max_jobs > 0) RC_ASSERT(free_to_go <= policy.max_jobs);
  }
  static Known& any(std::vector<Known>& jobs) {
    return jobs[*rc::gen::inRange<std::size_t>(0, jobs.size())];
  }
};

TEST_F(RetentionProperty, RemovesWhatItMayAndNothingElse) {
  options.sync = false;  // Each round opens a store of its own.
  ::setenv("RC_PARAMS", "max_success=40", 0);
  rc::check([&] {
    std::filesystem::remove_all(dir.path() / "run");
    store.reset();
    store = *JobStore::open(dir.path() / "run", options, author.now_ms);
    std::vector<Known> jobs;
    const auto steps = *rc::gen::inRange(5, 80);
    for (int i = 0; i < steps; ++i) {
      author.now_ms += *rc::gen::inRange(0, 50);
      switch (*rc::gen::inRange(0, 8)) {
        case 0:
        case 1:
        case 2:
          submit(jobs);
          break;
        case 3:
        case 4:
          if (!jobs.empty()) end(jobs);
          break;
        case 5:
          sweep(jobs, {.max_age_ms = *rc::gen::inRange(1, 300)});
          break;
        case 6:
          sweep(jobs, {.max_jobs = *rc::gen::inRange<std::uint64_t>(1, 6)});
          break;
        default:
          RC_ASSERT(static_cast<bool>(store->index_step(7)));
      }
    }
    sweep(jobs, {.max_age_ms = 1, .max_jobs = 1});
  });
}

}  // namespace
}  // namespace troupe
