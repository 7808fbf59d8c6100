// What a node makes of a program that lists devices: programs that do as told,
// and the one that is built.
#include "cluster/device_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "platform/process.hpp"
#include "tests/connectors/guard_path.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe::cluster {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class DeviceListTest : public testing::Test {
 protected:
  Result<std::vector<ListedDevice>> list(const std::string& script) {
    const auto program = dir / "lister";
    std::ofstream{program} << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    return list_devices(
        {.program = program,
         .environment = {{"PATH", "/usr/bin:/bin"}, {"NAMED", "NVIDIA H200"}},
         .limit_ms = limit_ms});
  }
  std::int64_t limit_ms = 30'000;
  platform::TempDir dir;
};

TEST_F(DeviceListTest, EveryLineIsADevice) {
  const auto devices = list(R"(test "$1" = list || exit 9
echo '{"ordinal":0,"name":"'"$NAMED"'","sm":90,"total_bytes":9,"free_bytes":4,"driver":"12.8"}'
echo 'one is left out' >&2
echo '{"ordinal":2,"name":"NVIDIA L4","sm":89,"new":1}')");
  ASSERT_TRUE(devices) << devices.error().message;
  ASSERT_THAT(*devices, SizeIs(2));
  EXPECT_EQ(devices->at(0).name, "NVIDIA H200");
  EXPECT_EQ(devices->at(0).sm, 90);
  EXPECT_EQ(devices->at(0).total_bytes, 9u);
  EXPECT_EQ(devices->at(0).free_bytes, 4u);
  EXPECT_EQ(devices->at(0).driver, "12.8");
  EXPECT_EQ(devices->at(1).ordinal, 2u);
}

TEST_F(DeviceListTest, HavingNoneIsNotFoundInTheProgramsWords) {
  const auto none = list("echo 'lister: no driver' >&2; exit 3");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::not_found);
  EXPECT_EQ(none.error().message, "no driver");
}

TEST_F(DeviceListTest, OneThatHangsIsEndedWhenItsTimeIsOver) {
  limit_ms = 300;
  const auto none = list("exec tail -f /dev/null");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::timeout);
  EXPECT_THAT(platform::descendants(platform::list_processes(), {::getpid()}),
              IsEmpty());
}

TEST_F(DeviceListTest, OneThatCrashesIsDeviceLost) {
  const auto none = list("kill -SEGV $$");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::device_lost);
  EXPECT_THAT(none.error().message, HasSubstr("SIGSEGV"));
}

TEST_F(DeviceListTest, OneThatFailsIsDeviceLostWithItsWords) {
  const auto none = list("echo 'lister: it burns' >&2; exit 1");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::device_lost);
  EXPECT_THAT(none.error().message, HasSubstr("it burns"));
}

TEST_F(DeviceListTest, ALibraryThatIsMissingIsUnsupportedByName) {
  const auto none = list("echo 'lister: lib.so: not there' >&2; exit 127");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::unsupported);
  EXPECT_THAT(none.error().message, HasSubstr("lib.so"));
}

TEST_F(DeviceListTest, WhatIsNoListIsCorrupt) {
  for (const auto* script :
       {"echo hello", "echo '[]'", "true", "echo '{\"sm\":\"x\"}'",
        "yes '{\"ordinal\":0}'"}) {
    const auto none = list(script);
    ASSERT_FALSE(none) << script;
    EXPECT_EQ(none.error().code, Errc::corrupt) << script;
  }
}

TEST_F(DeviceListTest, AProgramThatIsNotThereIsUnsupported) {
  const auto none = list_devices(
      {.program = dir / "nowhere", .environment = {}, .limit_ms = limit_ms});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::unsupported);
}

// With a driver too: it is told to show no device.
TEST_F(DeviceListTest, TheProgramThatIsBuiltSaysInCudasWordsWhyThereIsNone) {
  const auto program =
      test_programs().parent_path() / "bin" / "troupe-device-cuda";
  if (!std::filesystem::exists(program))
    GTEST_SKIP() << "no nvcc: the program was not built";
  const auto none = list_devices({.program = program,
                                  .environment = {{"CUDA_VISIBLE_DEVICES", ""}},
                                  .limit_ms = limit_ms});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::not_found);
  EXPECT_THAT(none.error().message, HasSubstr("CUDA"));
}

}  // namespace
}  // namespace troupe::cluster
