#include "actors/ledger.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

namespace troupe {
namespace {

Token owner(std::uint64_t n, std::uint64_t epoch = 1) {
  return {epoch, {7, n}, 1};
}

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() { ledger.set_device("cpu", 100); }
  Errc refused(const Reservation& r) {
    const Status s = ledger.reserve(r);
    return s ? Errc{} : s.error().code;
  }
  Ledger ledger;
};

TEST_F(LedgerTest, LendsUpToTheBudgetAndNotAByteMore) {
  EXPECT_TRUE(ledger.reserve({owner(1), "cpu", 60}));
  EXPECT_EQ(refused({owner(2), "cpu", 41}), Errc::out_of_memory);
  EXPECT_TRUE(ledger.reserve({owner(2), "cpu", 40}));
  EXPECT_EQ(refused({owner(3), "cpu", 1}), Errc::out_of_memory);
}

TEST_F(LedgerTest, AHugeRequestDoesNotWrapAround) {
  ASSERT_TRUE(ledger.reserve({owner(1), "cpu", 60}));
  EXPECT_EQ(refused({owner(2), "cpu", ~0ull - 10}), Errc::out_of_memory);
}

TEST_F(LedgerTest, TheSameAgainIsGrantedAndCountsOnce) {
  ASSERT_TRUE(ledger.reserve({owner(1), "cpu", 60}));
  EXPECT_TRUE(ledger.reserve({owner(1), "cpu", 60}));
  EXPECT_EQ(ledger.report()[0].reserved_bytes, 60u);
  EXPECT_EQ(refused({owner(1), "cpu", 61}), Errc::already_exists);
}

TEST_F(LedgerTest, RefusesADeviceItDoesNotKnow) {
  EXPECT_EQ(refused({owner(1), "gpu", 1}), Errc::invalid_argument);
}

TEST_F(LedgerTest, ReleasingTwiceFreesOnce) {
  ASSERT_TRUE(ledger.reserve({owner(1), "cpu", 60}));
  EXPECT_EQ(ledger.release(owner(1), "cpu"), 60u);
  EXPECT_EQ(ledger.release(owner(1), "cpu"), 0u);
  EXPECT_EQ(ledger.release(owner(1), "gpu"), 0u);
  EXPECT_EQ(ledger.report()[0].reserved_bytes, 0u);
}

TEST_F(LedgerTest, CountsWhatIsSharedOnceAndKeepsItUntilItIsDropped) {
  const std::vector<ModelPart> parts{{"m", "weights", 50}, {"m", "kv", 20}};
  ASSERT_TRUE(ledger.reserve({owner(1), "cpu", 5, parts}));
  ASSERT_TRUE(ledger.reserve({owner(2), "cpu", 5, parts}));
  EXPECT_EQ(ledger.report()[0].reserved_bytes, 80u);
  EXPECT_EQ(ledger.drop("cpu", "m"), 0u) << "it has users";
  EXPECT_EQ(ledger.release(owner(1), "cpu"), 5u);
  EXPECT_EQ(ledger.release(owner(2), "cpu"), 5u);
  const auto report = ledger.report()[0];
  EXPECT_EQ(report.reserved_bytes, 70u);
  ASSERT_EQ(report.parts.size(), 2u);
  EXPECT_EQ(report.parts[0].name, "kv");
  EXPECT_EQ(report.parts[0].users, 0u);
  EXPECT_EQ(refused({owner(3), "cpu", 31}), Errc::out_of_memory);
  EXPECT_EQ(ledger.drop("cpu", "other"), 0u);
  EXPECT_EQ(ledger.drop("cpu", "m"), 70u);
  EXPECT_TRUE(ledger.reserve({owner(3), "cpu", 100}));
}

TEST_F(LedgerTest, SharedPartsMustFitTogetherWithWhatIsTheOwners) {
  const std::vector<ModelPart> parts{{"m", "weights", 90}};
  EXPECT_EQ(refused({owner(1), "cpu", 11, parts}), Errc::out_of_memory);
  EXPECT_EQ(refused({owner(1), "cpu", ~0ull - 10, parts}), Errc::out_of_memory);
  EXPECT_TRUE(ledger.report()[0].parts.empty());
  ASSERT_TRUE(ledger.reserve({owner(1), "cpu", 0, parts}));
  EXPECT_TRUE(ledger.reserve({owner(2), "cpu", 10, parts}));
}

TEST_F(LedgerTest, ForgetsWhatEarlierEpochsHeld) {
  ASSERT_TRUE(ledger.reserve({owner(1, 1), "cpu", 10}));
  ASSERT_TRUE(ledger.reserve({owner(1, 2), "cpu", 20}));
  EXPECT_EQ(ledger.release_before(2), 10u);
  EXPECT_EQ(ledger.release_all(1), 0u);
  EXPECT_EQ(ledger.release_all(2), 20u);
}

TEST_F(LedgerTest, RemembersThePeak) {
  ASSERT_TRUE(ledger.reserve({owner(1), "cpu", 70}));
  ledger.release(owner(1), "cpu");
  ASSERT_TRUE(ledger.reserve({owner(2), "cpu", 30}));
  const LedgerReport report = ledger.report()[0];
  EXPECT_EQ(report.peak_reserved_bytes, 70u);
  ASSERT_EQ(report.reservations.size(), 1u);
  EXPECT_EQ(report.reservations[0].owner, owner(2));
}

TEST_F(LedgerTest, ADeviceThatShrinksGrantsNothingUntilItFitsAgain) {
  ASSERT_TRUE(ledger.reserve({owner(1), "cpu", 60}));
  ASSERT_TRUE(ledger.reserve({owner(2), "cpu", 20}));
  ledger.set_device("cpu", 50);
  EXPECT_EQ(refused({owner(3), "cpu", 1}), Errc::out_of_memory);
  ledger.release(owner(1), "cpu");
  EXPECT_TRUE(ledger.reserve({owner(3), "cpu", 30}));
}

TEST(LedgerProperty, AnyOrderOfCallsKeepsTheSumsOfAPlainModel) {
  const bool held = rc::check([](const std::vector<std::uint32_t>& steps) {
    Ledger ledger;
    ledger.set_device("cpu", 100);
    std::map<std::uint64_t, std::uint64_t> model;  // Owner: bytes.
    for (const std::uint32_t step : steps) {
      const std::uint64_t n = step % 7;
      const std::uint64_t bytes = step / 7 % 60;
      std::uint64_t sum = 0;
      for (const auto& [who, b] : model) sum += b;
      if (step % 3 == 0) {
        RC_ASSERT(ledger.release(owner(n), "cpu") ==
                  (model.contains(n) ? model[n] : 0));
        model.erase(n);
      } else {
        const bool fits =
            model.contains(n) ? model[n] == bytes : sum + bytes <= 100;
        RC_ASSERT(static_cast<bool>(ledger.reserve({owner(n), "cpu", bytes})) ==
                  fits);
        if (fits) model[n] = bytes;
      }
      sum = 0;
      for (const auto& [who, b] : model) sum += b;
      const LedgerReport report = ledger.report()[0];
      RC_ASSERT(report.reserved_bytes == sum);
      RC_ASSERT(report.reserved_bytes <= report.total_bytes);
      RC_ASSERT(report.reservations.size() == model.size());
    }
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace troupe
