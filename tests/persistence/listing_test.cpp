// Listings against a plain model, whatever is indexed and reopened between.
#include <rapidcheck.h>
#include <stdlib.h>

#include <algorithm>

#include "tests/persistence/store_fixture.hpp"

namespace troupe {
namespace {

// What a listing must say, by the simplest means.
struct Model {
  struct Job {
    JobSpec spec;
    JobState state = JobState::queued;
  };
  std::vector<Job> jobs;  // In the order of the queue.

  std::vector<JobId> list(const ListRequest& request) const {
    std::vector<JobId> out;
    for (auto it = jobs.rbegin(); it != jobs.rend(); ++it)
      if (matches(request, *it)) out.push_back(it->spec.id);
    return out;
  }
  static bool matches(const ListRequest& r, const Job& job) {
    const JobSpec& s = job.spec;
    return (r.states.empty() || std::ranges::count(r.states, job.state) > 0) &&
           (r.kind.empty() || r.kind == s.kind) &&
           (r.model.empty() || r.model == s.model) &&
           (r.tenant.empty() || r.tenant == s.tenant) &&
           (r.tag.empty() || std::ranges::count(s.tags, r.tag) > 0) &&
           (!r.parent || r.parent == s.parent) &&
           (!r.since_ms || s.submitted_ms >= *r.since_ms) &&
           (!r.until_ms || s.submitted_ms < *r.until_ms);
  }
};

std::string one_of(std::initializer_list<const char*> texts) {
  return *rc::gen::elementOf(
      std::vector<std::string>(texts.begin(), texts.end()));
}

ListRequest any_request(const Model& model, UnixMs now_ms) {
  ListRequest request;
  request.max_jobs = *rc::gen::inRange(1, 9);
  const auto wants = [] { return *rc::gen::inRange(0, 3) == 0; };
  if (wants())
    request.states = *rc::gen::unique<std::vector<JobState>>(rc::gen::element(
        JobState::blocked, JobState::queued, JobState::running,
        JobState::succeeded, JobState::failed, JobState::cancelled));
  if (wants()) request.kind = one_of({"a", "b", "none"});
  if (wants()) request.model = one_of({"m", "n"});
  if (wants()) request.tenant = one_of({"x", "y"});
  if (wants()) request.tag = one_of({"t", "u"});
  if (wants() && !model.jobs.empty())
    request.parent = model.jobs.front().spec.id;
  if (wants()) request.since_ms = now_ms - *rc::gen::inRange(0, 60);
  if (wants()) request.until_ms = now_ms - *rc::gen::inRange(0, 60);
  return request;
}

class ListingTest : public StoreTest {
 protected:
  std::optional<ScratchDir> dir_of_round;

  JobSpec any_spec(const Model& model) {
    JobSpec spec;
    spec.id = author.next_id();
    spec.kind = one_of({"a", "b"});
    spec.model = one_of({"", "m", "n"});
    spec.tenant = one_of({"x", "y"});
    if (*rc::gen::arbitrary<bool>()) spec.tags.push_back("t");
    if (*rc::gen::arbitrary<bool>()) spec.tags.push_back("u");
    if (!model.jobs.empty() && *rc::gen::inRange(0, 3) == 0)
      spec.parent = model.jobs.front().spec.id;
    return spec;
  }

  void submit(Model& model) {
    author.now_ms += *rc::gen::inRange(-2, 5);  // Clocks step back at times.
    const auto change = author.submit(any_spec(model));
    commit({change});
    model.jobs.push_back({*change.spec});
  }

  void move(Model& model) {
    if (model.jobs.empty()) return;
    auto& job =
        model.jobs[*rc::gen::inRange<std::size_t>(0, model.jobs.size())];
    if (job.state == JobState::queued) {
      commit({author.start(job.spec.id)}, *rc::gen::arbitrary<bool>());
      job.state = JobState::running;
    } else if (job.state == JobState::running) {
      job.state = *rc::gen::element(JobState::succeeded, JobState::failed,
                                    JobState::cancelled);
      commit({author.end(job.spec.id, job.state)});
    }
  }
};

TEST_F(ListingTest, IsNeverWrongWhateverIsIndexed) {
  options.sync = false;  // Each round opens stores of its own.
  ::setenv("RC_PARAMS", "max_success=40", 0);
  rc::check([&] {
    dir_of_round.emplace();
    store.reset();
    author = {};
    auto opened = JobStore::open(dir_of_round->path(), options, author.now_ms);
    RC_ASSERT(bool(opened));
    store = *std::move(opened);
    Model model;
    for (int steps = *rc::gen::inRange(1, 100); steps > 0; --steps) {
      switch (*rc::gen::inRange(0, 10)) {
        case 0:
          RC_ASSERT(bool(store->index_step(*rc::gen::inRange(1, 20))));
          break;
        case 1: {
          if (*rc::gen::inRange(0, 4) != 0) break;
          store.reset();
          auto again =
              JobStore::open(dir_of_round->path(), options, author.now_ms);
          RC_ASSERT(bool(again));
          store = *std::move(again);
          break;
        }
        case 2:
        case 3:
        case 4:
        case 5:
          submit(model);
          break;
        default:
          move(model);
      }
      if (steps % 8 != 0) continue;
      const auto request = any_request(model, author.now_ms);
      RC_ASSERT(ids(request) == model.list(request));
    }
  });
}

TEST_F(ListingTest, CutsPagesByBytesToo) {
  options.max_page_bytes = 4'000;
  reopen();
  for (int i = 0; i < 10; ++i) {
    JobSpec spec;
    spec.id = author.next_id();
    spec.params = std::string(1'500, 'x');
    commit({author.submit(spec)});
  }
  const auto page = store->list({});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->jobs.size(), 2u);
  EXPECT_NE(page->next_before_index, 0u);
  EXPECT_EQ(ids({}).size(), 10u);
}

TEST_F(ListingTest, AJobLargerThanAPageIsListedWithoutItsWeight) {
  options.max_page_bytes = 4'000;
  reopen();
  for (int i = 0; i < 3; ++i) {
    JobSpec spec;
    spec.id = author.next_id();
    spec.kind = "k";
    spec.params = std::string(i == 1 ? 5'000 : 10, 'x');
    commit({author.submit(spec)});
  }
  const auto page = store->list({});
  ASSERT_TRUE(page);
  ASSERT_EQ(page->jobs.size(), 3u);
  EXPECT_EQ(page->jobs[0].spec.params.size(), 10u);
  EXPECT_EQ(page->jobs[1].spec.params, "");
  EXPECT_EQ(page->jobs[1].spec.kind, "k");
}

TEST_F(ListingTest, LeavesOutWhatABriefAnswerDoesNotNeed) {
  run_one();
  ListRequest request;
  request.brief = true;
  const auto page = store->list(request);
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->jobs.at(0).spec.params.empty());
  EXPECT_TRUE(page->jobs.at(0).result.empty());
  EXPECT_EQ(page->jobs.at(0).state, JobState::succeeded);
}

}  // namespace
}  // namespace troupe
