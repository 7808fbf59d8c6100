// The node is broken on purpose, one rule at a time; the simulation must find
// each within a few seeds. Without a defect the same seeds find nothing: that
// is Simulation.KeepsEveryPromiseUnderEverySeed.
#include <gtest/gtest.h>

#include <string>

#include "tests/simulation/simulation.hpp"

namespace troupe::simulation {
namespace {

constexpr std::uint64_t kSeeds = 40;

// The first violation that the defect leads to; empty: it goes unseen.
std::string found_within_seeds(const NodeDefects& defects) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto report = simulate({.seed = seed, .defects = defects});
    if (!report.violations.empty()) return report.violations.front();
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
