// The real program on disks that are full or read-only: small file systems of
// their own, where this machine lets the test mount them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>

#include <fstream>

#include "platform/file.hpp"
#include "tests/e2e/program.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::test {
namespace {

using platform::eventually;
using testing::HasSubstr;

constexpr std::uint64_t kMiB = 1 << 20;

/// The data folder lies on a file system in memory.
class DiskTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(place_.data());
    mounted_ = ::mount("troupe-test", place_.data().c_str(), "tmpfs", 0,
                       "size=192m,mode=700") == 0;
    if (!mounted_)
      GTEST_SKIP() << "this machine does not let the test mount a file system";
  }
  void TearDown() override {
    if (mounted_) ::umount2(place_.data().c_str(), MNT_DETACH);
  }

  std::unique_ptr<Process> node() {
    return place_.node({"--set", "store.low_water_bytes=32MiB", "--set",
                        "store.reserve_bytes=8MiB"});
  }
  bool make_read_only() {
    return ::mount("troupe-test", place_.data().c_str(), nullptr,
                   MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  }
  /// A file that leaves so much of the disk; 0: nothing, to the last byte.
  void leave(std::uint64_t bytes) {
    std::ofstream file{filler(), std::ios::binary | std::ios::app};
    const std::string block(64 * 1024, 'x');
    while (file && free_bytes() > bytes)
      file.write(block.data(), 65'536).flush();
  }
  std::uint64_t free_bytes() const {
    const auto space = platform::disk_space(place_.data());
    return space ? space->free_bytes : 0;
  }
  std::filesystem::path filler() const { return place_.data() / "filler"; }
  Output submit() { return place_.troupe({"submit", "noop", "--json"}); }

  Workplace place_;

 private:
  bool mounted_ = false;
};

TEST_F(DiskTest, SubmitsStopAtTheLowWaterMarkAndGoOnWhenSpaceReturns) {
  auto running = node();
  ASSERT_EQ(submit().code, 0);
  leave(16 * kMiB);
  ASSERT_TRUE(eventually([&] { return submit().code == 6; }));
  const auto refused = submit();
  EXPECT_EQ(refused.json()["error"]["code"], "disk_full");
  EXPECT_THAT(refused.err, HasSubstr("free space"));
  place_.write("in.txt", std::string(1'000, 'x'));
  const auto upload = place_.troupe(
      {"artifacts", "put", "--json", place_.path("in.txt").string()});
  EXPECT_EQ(upload.code, 6) << upload.err;
  EXPECT_EQ(place_.troupe({"jobs", "list"}).code, 0);
  std::filesystem::remove(filler());
  EXPECT_TRUE(eventually([&] { return submit().code == 0; }));
  running->signal(SIGTERM);
  EXPECT_EQ(running->finish().code, 0);
}

TEST_F(DiskTest, OnAFullDiskARunningJobEndsOutOfTheReserve) {
  auto running = node();
  const auto id = place_.submit({"process.run", "--", "sh", "-c",
                                 "while [ ! -e " + place_.path("go").string() +
                                     " ]; do sleep 0.05; done"});
  ASSERT_TRUE(place_.reaches(id, "running"));
  leave(0);
  ASSERT_TRUE(eventually([&] { return submit().code == 6; }));
  EXPECT_EQ(place_.state(id), "running") << "the node answers";
  place_.write("go", "");
  EXPECT_TRUE(place_.reaches(id, "succeeded"))
      << place_.troupe({"jobs", "show", id}).out;
  EXPECT_NE(submit().code, 0) << "it must still be refused";
  std::filesystem::remove(filler());
  EXPECT_TRUE(eventually([&] { return submit().code == 0; }));
  EXPECT_EQ(place_.state(id), "succeeded");
  running->signal(SIGTERM);
  EXPECT_EQ(running->finish().code, 0);
}

TEST_F(DiskTest, OnAFullDiskARunningJobsOutputAndLogAreSavedOutOfTheReserve) {
  auto running = node();
  const auto id = place_.submit(
      {"process.run", "--output", "film", "--", "sh", "-c",
       "head -c 4194304 /dev/urandom > film; echo early; while [ ! -e " +
           place_.path("go").string() +
           " ]; do sleep 0.05; done; yes long | head -n 20000; echo late"});
  const auto log = [&] { return place_.troupe({"jobs", "logs", id}).out; };
  ASSERT_TRUE(eventually([&] { return log().find("early") != log().npos; }));
  leave(0);
  place_.write("go", "");
  ASSERT_TRUE(place_.reaches(id, "succeeded"))
      << place_.troupe({"jobs", "show", id}).out;
  EXPECT_FALSE(std::filesystem::exists(place_.data() / "store" / "reserve"));
  EXPECT_THAT(log(), HasSubstr("the log ends here: the disk is full"));
  EXPECT_THAT(log(), HasSubstr("late"));
  EXPECT_NE(submit().code, 0) << "it must still be refused";
  std::filesystem::remove(filler());
  EXPECT_TRUE(eventually([&] { return submit().code == 0; }));
  running->signal(SIGTERM);
  EXPECT_EQ(running->finish().code, 0);
}

TEST_F(DiskTest, ABackupThatDoesNotFitLeavesNothingThatLooksLikeOne) {
  auto running = node();
  place_.write("film", std::string(24 * kMiB, 'x'));
  ASSERT_EQ(
      place_.troupe({"artifacts", "put", place_.path("film").string()}).code,
      0);
  const auto small = place_.path("small");
  std::filesystem::create_directory(small);
  ASSERT_EQ(::mount("troupe-test", small.c_str(), "tmpfs", 0, "size=8m"), 0);
  const auto refused = place_.troupe({"backup", small.string()});
  EXPECT_EQ(refused.code, 6) << refused.err;
  EXPECT_TRUE(std::filesystem::is_empty(small));
  ::umount2(small.c_str(), MNT_DETACH);
  EXPECT_EQ(place_.troupe({"backup", small.string()}).code, 0)
      << "the same order, once there is room";
  running->signal(SIGTERM);
  EXPECT_EQ(running->finish().code, 0);
}

TEST_F(DiskTest, ADiskTooFullToStartIsAClearError) {
  leave(0);
  const auto refused = place_.troupe({"node", "--json"});
  EXPECT_EQ(refused.code, 6) << refused.err;
  EXPECT_EQ(refused.json()["error"]["code"], "disk_full");
  EXPECT_THAT(refused.err, HasSubstr(place_.data().string() + ": no room"));
  EXPECT_THAT(refused.err, HasSubstr(" bytes are free there"));
  EXPECT_THAT(refused.err, HasSubstr("320 MiB (store.low_water_bytes and"));
  std::filesystem::remove(filler());
  auto running = node();
  EXPECT_EQ(submit().code, 0);
  running->signal(SIGTERM);
  EXPECT_EQ(running->finish().code, 0);
}

TEST_F(DiskTest, TheDoctorSeesADiskThatOnlySaysItCanBeWritten) {
  // Room for bytes, none for a file: nothing of that is told beforehand.
  ASSERT_EQ(::mount("troupe-test", place_.data().c_str(), nullptr, MS_REMOUNT,
                    "size=512m,nr_inodes=1"),
            0);
  const auto output = place_.troupe({"doctor"});
  EXPECT_EQ(output.code, 8);
  EXPECT_THAT(output.out, HasSubstr("no file can be written"));
  EXPECT_THAT(output.out, HasSubstr("No space left on device"));
}

TEST_F(DiskTest, AReadOnlyDiskIsAClearError) {
  auto first = node();
  first->signal(SIGTERM);
  ASSERT_EQ(first->finish().code, 0);
  ASSERT_TRUE(make_read_only());
  const auto second = place_.troupe({"node", "--json"});
  EXPECT_EQ(second.code, 6) << second.err;
  EXPECT_EQ(second.json()["error"]["code"], "read_only");
  EXPECT_THAT(second.err, HasSubstr(place_.data().string()));
  // Of a folder that is yet to be made, the disk that it would lie on.
  for (const auto& folder : {place_.data(), place_.data() / "a" / "b"}) {
    const auto doctor = place_.troupe({"doctor", "--data", folder.string()});
    EXPECT_EQ(doctor.code, 8);
    EXPECT_THAT(doctor.out, HasSubstr("the file system is read-only"));
  }
}

}  // namespace
}  // namespace troupe::test
