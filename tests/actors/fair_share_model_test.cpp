// Fair share against the plainest model there is: a clock per tenant.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>

#include "tests/actors/schedule_desk.hpp"

namespace troupe {
namespace {

constexpr SteadyMs kLongestMs = 20'000;

using Backlog = std::vector<std::uint32_t>;  // Jobs of 1 to 20 s.

/// The most that two tenants' device time differed while all had jobs waiting.
SteadyMs widest_gap(const std::vector<Backlog>& backlogs) {
  Desk desk;
  desk.up(device("cpu", 1));
  std::map<std::string, SteadyMs> spent;
  std::map<std::string, std::size_t> waiting;
  std::map<JobId, SteadyMs> length;
  for (std::size_t t = 0; t < backlogs.size(); ++t)
    for (const std::uint32_t seconds : backlogs[t]) {
      JobSpec spec = desk.spec();
      spec.tenant = "tenant " + std::to_string(t);
      spent[spec.tenant] = 0;
      ++waiting[spec.tenant];
      length[spec.id] = seconds * 1'000;
      desk.submit(std::move(spec));
    }
  SteadyMs widest = 0;
  for (;;) {
    const auto started = desk.plan();
    if (started.empty()) return widest;
    const JobId id = started.front();
    const auto& tenant = desk.specs.at(id).tenant;
    for (SteadyMs left = length.at(id); left > 0; left -= 1'000) {
      desk.advance(1'000);
      desk.renew(id);
    }
    desk.succeed(id);
    spent[tenant] += length.at(id);
    if (--waiting[tenant] == 0) return widest;
    const auto [least, most] = std::ranges::minmax_element(
        spent, {}, [](const auto& entry) { return entry.second; });
    widest = std::max(widest, most->second - least->second);
  }
}

void submit_jobs(Desk& desk, const std::string& tenant, int jobs) {
  for (int i = 0; i < jobs; ++i) {
    JobSpec spec = desk.spec();
    spec.tenant = tenant;
    desk.submit(std::move(spec));
  }
}

/// All times are shorter than a lease.
struct Join {
  SteadyMs estimate_ms = 0;  // What the history says of the kind.
  SteadyMs length_ms = 0;    // What each job takes.
  SteadyMs joined_ms = 0;    // How far the first had run by then.
};

/// The most that a tenant and one that joined while the other's first job ran
/// differed in device time from then on, while both had jobs waiting.
SteadyMs widest_gap_after(const Join& join) {
  constexpr int kJobs = 12;
  Desk desk;
  desk.up(device("cpu", 1));
  submit_jobs(desk, "earlier", 1);
  const JobId measured = desk.plan().at(0);
  desk.advance(join.estimate_ms);
  desk.succeed(measured);

  submit_jobs(desk, "first", kJobs);
  JobId runs = desk.plan().at(0);
  desk.advance(join.joined_ms);
  desk.renew(runs);
  submit_jobs(desk, "second", kJobs);
  std::map<std::string, SteadyMs> spent{{"first", 0}, {"second", 0}};
  std::map<std::string, int> ended;
  SteadyMs rest = join.length_ms - join.joined_ms, widest = 0;
  for (;;) {
    desk.advance(rest);
    desk.succeed(runs);
    const auto& tenant = desk.specs.at(runs).tenant;
    spent[tenant] += rest;
    widest = std::max(widest, std::abs(spent["first"] - spent["second"]));
    if (++ended[tenant] == kJobs) return widest;
    runs = desk.plan().at(0);
    rest = join.length_ms;
  }
}

TEST(FairShareModel, OneThatJoinsTakesTurnsThoughTheEstimateIsFarTooLong) {
  EXPECT_LE(widest_gap_after({6'000, 200, 0}), 200);
  EXPECT_LE(widest_gap_after({6'000, 200, 150}), 200);
}

TEST(FairShareModel, OneThatJoinsTakesTurnsThoughTheEstimateIsFarTooShort) {
  EXPECT_LE(widest_gap_after({20, 6'000, 0}), 6'000);
  EXPECT_LE(widest_gap_after({20, 6'000, 4'000}), 6'000);
}

TEST(FairShareModel, OneThatJoinsIsNeverMoreThanOneJobApart) {
  const auto ms = rc::gen::inRange<std::uint32_t>(1, 14'000);
  ASSERT_TRUE(rc::check([&] {
    const SteadyMs length_ms = *ms;
    const Join join{*ms, length_ms, *ms % length_ms};
    RC_ASSERT(widest_gap_after(join) <= length_ms);
  }));
}

TEST(FairShareModel, TenantsWithBacklogsAreNeverMoreThanOneJobApart) {
  const auto seconds = rc::gen::inRange<std::uint32_t>(1, 21);
  const auto backlog = rc::gen::container<Backlog>(20, seconds);
  ASSERT_TRUE(rc::check([&] {
    const auto tenants = *rc::gen::inRange<std::size_t>(2, 6);
    const auto backlogs =
        *rc::gen::container<std::vector<Backlog>>(tenants, backlog);
    RC_ASSERT(widest_gap(backlogs) <= kLongestMs);
  }));
}

}  // namespace
}  // namespace troupe
