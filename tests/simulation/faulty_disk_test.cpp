#include "tests/simulation/faulty_disk.hpp"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <filesystem>
#include <memory>
#include <string>

namespace troupe::simulation {
namespace {

class FaultyDiskTest : public ::testing::Test {
 protected:
  FaultyDiskTest() { open(); }
  ~FaultyDiskTest() override {
    db_.reset();
    std::filesystem::remove_all(folder_);
  }

  void open() {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.env = env_.get();
    rocksdb::DB* db = nullptr;
    const auto opened = rocksdb::DB::Open(options, folder_.string(), &db);
    ASSERT_TRUE(opened.ok()) << opened.ToString();
    db_.reset(db);
  }
  bool put(const std::string& key, bool sync) {
    rocksdb::WriteOptions options;
    options.sync = sync;
    return db_->Put(options, key, std::string(100, 'x')).ok();
  }
  bool has(const std::string& key) {
    std::string value;
    return db_->Get({}, key, &value).ok();
  }
  void cut_power(std::uint64_t seed) {
    disk_.cut_power();
    db_.reset();
    disk_.restore_power(*seeded_random(seed));
    open();
  }

  std::filesystem::path folder_ = scratch_folder("faulty-disk");
  FaultyDisk disk_;
  std::unique_ptr<rocksdb::Env> env_ =
      rocksdb::NewCompositeEnv(disk_.file_system());
  std::unique_ptr<rocksdb::DB> db_;
};

TEST_F(FaultyDiskTest, KeepsWhatWasSyncedWhenThePowerIsCut) {
  EXPECT_TRUE(put("a", true));
  cut_power(1);
  EXPECT_TRUE(has("a"));
}

TEST_F(FaultyDiskTest, LosesWhatWasNotSyncedUnderSomeSeedAndKeepsItUnderOther) {
  int kept = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_TRUE(put("synced" + std::to_string(seed), true));
    for (int i = 0; i < 4; ++i)
      EXPECT_TRUE(put(std::to_string(seed) + "." + std::to_string(i), false));
    cut_power(seed);
    EXPECT_TRUE(has("synced" + std::to_string(seed)));
    kept += has(std::to_string(seed) + ".1") ? 1 : 0;
  }
  EXPECT_GT(kept, 0);
  EXPECT_LT(kept, 20);
}

TEST_F(FaultyDiskTest, TakesNoWritesWhileItIsFull) {
  disk_.set_fault(DiskFault::full);
  EXPECT_FALSE(put("a", true));
  disk_.set_fault(DiskFault::none);
  EXPECT_FALSE(has("a"));
}

TEST_F(FaultyDiskTest, WritesNothingAfterThePowerIsCut) {
  disk_.cut_power();
  EXPECT_FALSE(put("a", true));
}

}  // namespace
}  // namespace troupe::simulation
