#include "platform/memory.hpp"

#include <gtest/gtest.h>

#include "platform/file.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe::platform {
namespace {

class MemoryTest : public ::testing::Test {
 protected:
  TempDir root;
  void SetUp() override {
    put("proc/meminfo", "MemTotal:        1000 kB\nMemFree: 5 kB\n");
  }
  void put(const std::string& path, const std::string& text) {
    ASSERT_TRUE(make_dirs((root / path).parent_path()));
    ASSERT_TRUE(write_file_atomically(root / path, text));
  }
  std::uint64_t capacity() {
    auto bytes = memory_capacity_bytes(root.path());
    EXPECT_TRUE(bytes) << bytes.error().message;
    return bytes ? *bytes : 0;
  }
};

TEST_F(MemoryTest, IsTheMachinesWithoutControlGroups) {
  EXPECT_EQ(capacity(), 1'024'000u);
}

TEST_F(MemoryTest, ALimitOfTheGroupIsHonoured) {
  put("proc/self/cgroup", "0::/user/job\n");
  put("sys/fs/cgroup/user/job/memory.max", "4096\n");
  EXPECT_EQ(capacity(), 4096u);
}

TEST_F(MemoryTest, ALowerLimitFurtherUpWins) {
  put("proc/self/cgroup", "0::/user/job\n");
  put("sys/fs/cgroup/user/job/memory.max", "8192\n");
  put("sys/fs/cgroup/user/memory.max", "4096\n");
  EXPECT_EQ(capacity(), 4096u);
}

TEST_F(MemoryTest, MaxIsNoLimit) {
  put("proc/self/cgroup", "0::/user\n");
  put("sys/fs/cgroup/user/memory.max", "max\n");
  EXPECT_EQ(capacity(), 1'024'000u);
}

TEST_F(MemoryTest, TheFirstVersionOfControlGroupsIsUnderstood) {
  put("proc/self/cgroup", "5:cpu,cpuacct:/\n4:memory:/box\n0::/\n");
  put("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "2048\n");
  EXPECT_EQ(capacity(), 2048u);
}

TEST_F(MemoryTest, APathOutsideTheContainerFallsBackToTheMount) {
  put("proc/self/cgroup", "0::/not/visible/here\n");
  put("sys/fs/cgroup/memory.max", "512\n");
  EXPECT_EQ(capacity(), 512u);
}

TEST_F(MemoryTest, WithoutMemTotalItIsCorrupt) {
  put("proc/meminfo", "nonsense\n");
  EXPECT_EQ(memory_capacity_bytes(root.path()).error().code, Errc::corrupt);
}

TEST(Memory, ThisMachineHasSome) {
  EXPECT_GT(*memory_capacity_bytes(), 64u << 20);
}

}  // namespace
}  // namespace troupe::platform
