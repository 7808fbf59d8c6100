// The node is broken on purpose, one rule at a time; the simulation must find
// each within a few seeds. Without the defect the same run finds nothing.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "tests/simulation/simulation.hpp"

namespace troupe::simulation {
namespace {

constexpr std::uint64_t kSeeds = 40;
// A broken node may try for ever; five minutes are enough for most seeds.
constexpr std::int64_t kEndWithinMs = 5 * 60'000;

// The first violation that the defect leads to; empty: it goes unseen.
std::string found_within_seeds(const NodeDefects& defects) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto report = simulate(
        {.seed = seed, .end_within_ms = kEndWithinMs, .defects = defects});
    if (report.violations.empty()) continue;
    const auto honest = simulate({.seed = seed, .end_within_ms = kEndWithinMs});
    if (!honest.violations.empty()) continue;  // It only takes longer.
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
                report.violations.front().c_str());
    return report.violations.front();
  }
  return "";
}

TEST(PlantedDefects, AnAnswerBeforeTheSyncIsCaught) {
  const auto found = found_within_seeds({.answer_before_sync = true});
  EXPECT_NE(found, "");
}

TEST(PlantedDefects, ALateAttemptThatIsAcceptedIsCaught) {
  const auto found =
      found_within_seeds({.schedule = {.accept_late_attempt = true}});
  EXPECT_NE(found, "");
}

TEST(PlantedDefects, ALostReservationIsCaught) {
  const auto found =
      found_within_seeds({.schedule = {.lose_reservation = true}});
  EXPECT_NE(found, "");
}

TEST(PlantedDefects, ASkippedEventNumberIsCaught) {
  const auto found = found_within_seeds({.schedule = {.skip_seq = true}});
  EXPECT_NE(found, "");
}

TEST(PlantedDefects, AgeingThatIsOffIsCaught) {
  const auto found = found_within_seeds({.schedule = {.no_ageing = true}});
  EXPECT_NE(found, "");
}

TEST(PlantedDefects, AFollowerWithoutCreditIsCaught) {
  const auto found = found_within_seeds({.ignore_credit = true});
  EXPECT_NE(found, "");
}

}  // namespace
}  // namespace troupe::simulation
