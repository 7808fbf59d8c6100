// Fair share against the plainest model there is: a clock per tenant.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>

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
