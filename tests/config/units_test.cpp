#include "config/units.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

TEST(UnitsTest, ReadsDurationsAsPeopleWriteThem) {
  EXPECT_EQ(*parse_duration_ms("250ms"), 250);
  EXPECT_EQ(*parse_duration_ms("30s"), 30'000);
  EXPECT_EQ(*parse_duration_ms("1h30m"), 5'400'000);
  EXPECT_EQ(*parse_duration_ms("1.5s"), 1'500);
  EXPECT_EQ(*parse_duration_ms("0"), 0);
}

TEST(UnitsTest, RefusesDurationsThatCouldBeGuessedWrong) {
  for (auto text : {"", "30", "s", "-1s", "1m1h", "5 s", "1e3s", "inf", "3x",
                    "99999999999999999d", "1s1s"})
    EXPECT_FALSE(parse_duration_ms(text)) << text;
}

TEST(UnitsTest, SaysHowADurationIsWritten) {
  EXPECT_EQ(parse_duration_ms("soon").error().message,
            "'soon' is no duration; write it like 250ms, 30s, 5m, 1h30m or "
            "7d");
}

TEST(UnitsTest, ReadsSizesWithPowersOf1024) {
  EXPECT_EQ(*parse_bytes("4096"), 4'096);
  EXPECT_EQ(*parse_bytes("64K"), 65'536);
  EXPECT_EQ(*parse_bytes("64KB"), 65'536);
  EXPECT_EQ(*parse_bytes("512MiB"), 536'870'912);
  EXPECT_EQ(*parse_bytes("2g"), 2'147'483'648);
  EXPECT_EQ(*parse_bytes("0.5 GiB"), 536'870'912);
  EXPECT_EQ(*parse_bytes("7B"), 7);
}

TEST(UnitsTest, RefusesSizesItDoesNotUnderstand) {
  for (auto text : {"", "G", "-1", "1 X", "1GG", "1e30", "99999999T", "5 MiBs"})
    EXPECT_FALSE(parse_bytes(text)) << text;
}

TEST(UnitsTest, WritesWhatItReads) {
  for (std::int64_t ms : {0ll, 1ll, 999ll, 5'400'000ll, 86'400'001ll})
    EXPECT_EQ(*parse_duration_ms(exact_duration(ms)), ms);
  for (std::int64_t bytes : {0ll, 1'500ll, 65'536ll, 3ll << 40})
    EXPECT_EQ(*parse_bytes(exact_bytes(bytes)), bytes);
  EXPECT_EQ(exact_duration(5'400'000), "1h30m");
  EXPECT_EQ(exact_bytes(64 << 20), "64MiB");
}

}  // namespace
}  // namespace troupe
