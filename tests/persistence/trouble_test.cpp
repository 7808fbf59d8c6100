// Full disks, failing disks, damaged files, a second process.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tests/persistence/damage.hpp"
#include "tests/persistence/fault_fs.hpp"
#include "tests/persistence/store_fixture.hpp"

namespace troupe {
namespace {

namespace fs = std::filesystem;

class TroubleTest : public StoreTest {
 protected:
  TroubleTest() {
    options.file_system = faults;
    options.free_bytes = [this] { return free_bytes; };
    options.reserve_bytes = 1 << 20;
    options.low_water_bytes = 1 << 20;
    reopen();
  }
  Errc submit_error() {
    const auto refused =
        store->commit(std::vector{Author{}.submit(JobId{9, ++tries})}, true);
    return refused ? Errc::internal : refused.error().code;
  }
  std::vector<fs::path> files(std::string_view suffix) const {
    std::vector<fs::path> out;
    for (const auto& file : fs::directory_iterator{dir.path() / "db"})
      if (file.path().string().ends_with(suffix)) out.push_back(file.path());
    return out;
  }
  // As after kill -9: what RocksDB would do at the end is not done.
  void copy_of_running(const fs::path& to) {
    fs::copy(dir.path(), to, fs::copy_options::recursive);
  }

  std::shared_ptr<FaultFs> faults = std::make_shared<FaultFs>();
  std::uint64_t free_bytes = std::uint64_t{1} << 40;
  std::uint64_t tries = 0;
};

TEST_F(TroubleTest, StopsSubmitsAtTheLowWaterMarkAndLetsRunningJobsFinish) {
  const auto id = author.next_id();
  commit({author.submit(id), author.start(id)});
  free_bytes = (1 << 20) - 1;
  store->refresh();
  EXPECT_EQ(store->accepting().error().code, Errc::disk_full);
  EXPECT_GT(store->accepting().error().retry_after_ms, 0);
  EXPECT_EQ(submit_error(), Errc::disk_full);
  commit({author.end(id)});
  EXPECT_EQ(state(id), JobState::succeeded);
  free_bytes = 1 << 20;
  store->refresh();
  EXPECT_TRUE(store->accepting());
  run_one();
}

TEST_F(TroubleTest, RefusesASubmitAsSoonAsTheDiskIsFull) {
  const auto id = author.next_id();
  commit({author.submit(id), author.start(id)});
  free_bytes = 0;
  EXPECT_EQ(submit_error(), Errc::disk_full) << "nobody called refresh()";
  EXPECT_EQ(store->accepting().error().code, Errc::disk_full);
  commit({author.end(id)});
  free_bytes = std::uint64_t{1} << 40;
  store->refresh();
  EXPECT_TRUE(store->accepting());
  run_one();
}

TEST_F(TroubleTest, ARefusedSubmitNamesWhatIsFreeNow) {
  options.low_water_bytes = 4 << 20;
  reopen();
  free_bytes = 2 << 20;
  EXPECT_EQ(submit_error(), Errc::disk_full);
  free_bytes = 0;
  const std::vector<Change> submit{author.submit(author.next_id())};
  const auto refused = store->commit(submit, true);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(" 0 bytes are free"),
            std::string::npos)
      << refused.error().message;
}

TEST_F(TroubleTest, TheRefusalNamesTheMarkAndTheReserveItWaitsFor) {
  const auto why = [&] { return store->accepting().error().message; };
  options.low_water_bytes = 256 << 20;
  options.reserve_bytes = 64 << 20;
  free_bytes = 228 << 20;
  std::filesystem::remove(dir.path() / "reserve");
  reopen();
  EXPECT_NE(why().find("228 MiB are free"), std::string::npos) << why();
  EXPECT_NE(why().find("256 MiB (store.low_water_bytes)"), std::string::npos)
      << why();
  EXPECT_NE(why().find("64 MiB to hold back once more (store.reserve_bytes)"),
            std::string::npos)
      << why();
}

TEST_F(TroubleTest, AStartDoesNotAskForTheRoomOfAReserveThatIsThere) {
  ASSERT_TRUE(fs::exists(dir.path() / "reserve"));
  free_bytes = 1 << 20;
  reopen();
  EXPECT_TRUE(store->accepting());
}

TEST_F(TroubleTest, GivesUpTheReserveSoThatARunningJobCanEnd) {
  const auto id = author.next_id();
  commit({author.submit(id), author.start(id)});
  ASSERT_TRUE(fs::exists(dir.path() / "reserve"));
  // The disk is full until the reserve is gone.
  options.free_bytes = {};
  faults->fault = DiskFault::disk_full;
  std::jthread disk{[&] {
    while (fs::exists(dir.path() / "reserve")) std::this_thread::yield();
    faults->fault = DiskFault::none;
  }};
  const auto end = author.end(id);
  auto ended = store->commit({&end, 1}, true);
  disk.join();
  if (!ended) {  // The disk was slower than the store.
    store->refresh();
    ended = store->commit({&end, 1}, true);
  }
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_GT(faults->failures, 0);
  EXPECT_EQ(state(id), JobState::succeeded);
  reopen();
  EXPECT_EQ(state(id), JobState::succeeded);
}

TEST_F(TroubleTest, NamesEveryWriteErrorShowsNothingOfItAndRecovers) {
  const std::pair<DiskFault, Errc> cases[] = {
      {DiskFault::disk_full, Errc::disk_full},
      {DiskFault::io_error, Errc::io_error},
      {DiskFault::sync_error, Errc::io_error},
      {DiskFault::read_only, Errc::read_only}};
  const auto before = run_one();
  for (const auto& [fault, expected] : cases) {
    const auto last = store->last_index();
    faults->fault = fault;
    const auto first = author.next_id();
    const std::vector changes{Author{}.submit(first),
                              Author{}.submit(author.next_id())};
    const auto refused = store->commit(changes, true);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, expected) << refused.error().message;
    EXPECT_EQ(submit_error(), expected);
    EXPECT_FALSE(store->accepting());
    store->refresh();
    EXPECT_EQ(submit_error(), expected) << "while the disk still fails";
    const auto copied = store->backup(dir.path() / "copy");
    ASSERT_FALSE(copied);
    EXPECT_EQ(copied.error().code, expected);
    // Reads go on.
    EXPECT_EQ(state(before), JobState::succeeded);
    EXPECT_EQ(code(first), Errc::not_found);
    EXPECT_EQ(store->last_index(), last);
    faults->fault = DiskFault::none;
    store->refresh();
    EXPECT_TRUE(store->accepting());
    EXPECT_EQ(code(first), Errc::not_found);
    EXPECT_EQ(store->last_index(), last);
    run_one();
    reopen();
    EXPECT_EQ(code(first), Errc::not_found) << "it must not come back";
    EXPECT_EQ(state(before), JobState::succeeded);
  }
}

TEST_F(TroubleTest, RefusesASecondProcess) {
  const auto child = ::fork();
  if (child == 0) {
    const auto second = JobStore::open(dir.path(), small_options(), 0);
    ::_exit(second ? 0 : static_cast<int>(second.error().code));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(Errc::locked));
  run_one();
}

TEST_F(TroubleTest, FindsEveryFlippedByteInTheLogThatCoversAcknowledgedJobs) {
  for (int i = 0; i < 5; ++i) run_one();
  const auto logs = files(".log");
  ASSERT_EQ(logs.size(), 1u);
  for (std::uint64_t offset = 3; offset < 2500; offset += 97) {
    const ScratchDir copy;
    copy_of_running(copy.path() / "c");
    const auto log = copy.path() / "c" / "db" / logs[0].filename();
    flip(log, offset);
    const auto opened = JobStore::open(copy.path() / "c", small_options(), 0);
    ASSERT_FALSE(opened) << "offset " << offset;
    EXPECT_EQ(opened.error().code, Errc::corrupt);
    EXPECT_NE(opened.error().message.find(log.parent_path().string()),
              std::string::npos)
        << opened.error().message;
  }
}

TEST_F(TroubleTest, FindsATruncatedLog) {
  for (int i = 0; i < 5; ++i) run_one();
  const auto logs = files(".log");
  ASSERT_EQ(logs.size(), 1u);
  for (const std::uint64_t size : {0, 100, 1000, 2000}) {
    const ScratchDir copy;
    copy_of_running(copy.path() / "c");
    fs::resize_file(copy.path() / "c" / "db" / logs[0].filename(), size);
    const auto opened = JobStore::open(copy.path() / "c", small_options(), 0);
    ASSERT_FALSE(opened) << "size " << size;
    EXPECT_EQ(opened.error().code, Errc::corrupt);
  }
}

TEST_F(TroubleTest, OpensWhenTheFirstUnsyncedRecordOfAFreshLogIsTorn) {
  // An opening puts the log into tables and begins another.
  const auto id = run_one();
  reopen();
  reopen();
  const auto last = store->last_index();
  ASSERT_EQ(files(".log").size(), 1u);
  const auto log = files(".log")[0].filename();
  commit({author.submit(author.next_id())}, false);
  const ScratchDir copy;
  copy_of_running(copy.path() / "c");
  flip(copy.path() / "c" / "db" / log, 3);
  const auto opened = JobStore::open(copy.path() / "c", small_options(), 0);
  ASSERT_FALSE(opened) << "the opening itself was synced into this log";
  std::string mark;
  for (const auto x : {last - 1, std::uint64_t{1} << 40})
    for (int shift = 56; shift >= 0; shift -= 8)
      mark += static_cast<char>(x >> shift);
  std::ofstream{copy.path() / "c" / "synced", std::ios::binary} << mark;
  const auto again = JobStore::open(copy.path() / "c", small_options(), 0);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE((*again)->end(id));
}

TEST_F(TroubleTest, OpensACopyOfItsFilesAsTheyLieWhileItRuns) {
  const auto id = run_one();
  const ScratchDir copy;
  copy_of_running(copy.path() / "c");
  const auto opened = JobStore::open(copy.path() / "c", small_options(), 0);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_TRUE((*opened)->end(id));
}

TEST_F(TroubleTest, NamesTheTableWhoseBytesAreFlippedAndReadsTheRest) {
  std::vector<JobId> all;
  for (int i = 0; i < 300; ++i) {
    JobSpec spec;
    spec.id = author.next_id();
    spec.kind = "x";
    const auto random = seeded_random(static_cast<std::uint64_t>(i));
    for (int k = 0; k < 100; ++k) spec.params += std::to_string(random->next());
    commit({author.submit(spec)}, false);
    all.push_back(spec.id);
  }
  commit({author.submit(author.next_id())});
  index_all();
  store.reset();
  fs::path largest;
  for (const auto& table : files(".sst"))
    if (largest.empty() || fs::file_size(table) > fs::file_size(largest))
      largest = table;
  ASSERT_FALSE(largest.empty());
  flip(largest, fs::file_size(largest) / 3);
  reopen();
  ASSERT_TRUE(store);
  int damaged = 0;
  for (const auto id : all) {
    const auto view = store->view(id);
    if (view) continue;
    ++damaged;
    EXPECT_EQ(view.error().code, Errc::corrupt);
    EXPECT_NE(view.error().message.find(largest.filename().string()),
              std::string::npos)
        << view.error().message;
  }
  EXPECT_GT(damaged, 0);
  EXPECT_LT(damaged, 100);
  run_one();
}

TEST_F(TroubleTest, RefusesAMissingManifest) {
  run_one();
  store.reset();
  fs::remove(dir.path() / "db" / "CURRENT");
  EXPECT_EQ(open_error()->code, Errc::corrupt);
}

TEST_F(TroubleTest, WithoutCurrentNothingIsTakenForAnEmptyStore) {
  for (int i = 0; i < 50; ++i) run_one();
  index_all();
  const ScratchDir other;
  const auto copy = other.path() / "backup";
  ASSERT_TRUE(store->backup(copy) && JobStore::finish_backup(copy));
  fs::remove(copy / "db" / "CURRENT");
  const auto count = [&] {
    return std::distance(fs::directory_iterator{copy / "db"}, {});
  };
  const auto before = count();
  const auto opened = JobStore::open(copy, small_options(), author.now_ms);
  ASSERT_FALSE(opened) << "a copy knows of nothing acknowledged";
  EXPECT_EQ(opened.error().code, Errc::corrupt);
  EXPECT_NE(opened.error().message.find("CURRENT"), std::string::npos);
  EXPECT_EQ(count(), before);
}

TEST_F(TroubleTest, StartsFromALiveBackupUnderAnotherStoreId) {
  const auto id = run_one();
  const auto waiting = author.next_id();
  commit({author.submit(waiting)});
  const ScratchDir other;
  const auto copy = other.path() / "backup";
  const auto made = store->backup(copy);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(store->backup(copy).error().code, Errc::already_exists);
  const auto early = JobStore::open(copy, small_options(), author.now_ms);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, Errc::corrupt);
  EXPECT_NE(early.error().message.find("never finished"), std::string::npos);
  ASSERT_TRUE(JobStore::finish_backup(copy));
  commit({author.start(waiting)});
  auto opened = JobStore::open(copy, small_options(), author.now_ms);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_NE((*opened)->store_id(), store->store_id());
  EXPECT_GT((*opened)->epoch(), store->epoch());
  EXPECT_TRUE((*opened)->end(id));
  EXPECT_EQ((*opened)->summary(waiting)->state, JobState::queued);
  const auto id_of_copy = (*opened)->store_id();
  opened->reset();
  opened = JobStore::open(copy, small_options(), author.now_ms);
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->store_id(), id_of_copy);
}

}  // namespace
}  // namespace troupe
