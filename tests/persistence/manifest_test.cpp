// The MANIFEST after a power cut, and after worse.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "persistence/log_fragments.hpp"
#include "persistence/manifest.hpp"
#include "persistence/store_check.hpp"
#include "tests/persistence/store_fixture.hpp"

namespace troupe {
namespace {

namespace fs = std::filesystem;

class ManifestTest : public StoreTest {
 protected:
  // Several records, the last of them a flush of the index.
  ManifestTest() {
    for (int i = 0; i < 3; ++i) jobs.push_back(run_one());
    index_all();
    reopen();
    for (int i = 0; i < 300; ++i) jobs.push_back(run_one());
    index_all();
    store.reset();
    bytes = read(manifest());
    for (std::size_t at = 0; at < bytes.size();) {
      const auto rest = std::string_view{bytes}.substr(at);
      starts.push_back(at);
      at += storage::read_fragment(rest, 0).size;
    }
  }

  fs::path manifest() const {
    auto name = read(dir.path() / "db" / "CURRENT");
    name.pop_back();
    return dir.path() / "db" / name;
  }
  static std::string read(const fs::path& path) {
    std::ostringstream out;
    out << std::ifstream{path, std::ios::binary}.rdbuf();
    return out.str();
  }
  static void write(const fs::path& path, const std::string& content) {
    std::ofstream{path, std::ios::binary | std::ios::trunc} << content;
  }
  static std::set<std::string> names_in(const fs::path& folder) {
    std::set<std::string> names;
    for (const auto& file : fs::directory_iterator{folder})
      names.insert(file.path().filename());
    return names;
  }
  std::string flipped(std::size_t at) const {
    auto out = bytes;
    out[at] = static_cast<char>(out[at] ^ 0x40);
    return out;
  }
  // What a power cut leaves of the mark, too.
  Status cut(const std::string& content) {
    fs::remove(dir.path() / "db" / "manifest.synced");
    write(manifest(), content);
    return storage::cut_torn_manifest(dir.path() / "db");
  }

  std::vector<JobId> jobs;
  std::string bytes;
  std::vector<std::size_t> starts;  // Of the records.
};

TEST_F(ManifestTest, LeavesAWholeOneAsItIs) {
  ASSERT_GE(starts.size(), 4u);
  ASSERT_LT(bytes.size(), storage::kLogBlock);
  ASSERT_TRUE(storage::cut_torn_manifest(dir.path() / "db"));
  EXPECT_EQ(read(manifest()), bytes);
  ASSERT_TRUE(cut(bytes));
  EXPECT_EQ(read(manifest()), bytes);
}

TEST_F(ManifestTest, CutsTheLastRecordWhereverItIsTorn) {
  const auto whole = bytes.substr(0, starts.back());
  for (auto at = starts.back(); at < bytes.size(); ++at) {
    ASSERT_TRUE(cut(flipped(at))) << at;
    ASSERT_EQ(read(manifest()), whole) << "flipped at " << at;
    ASSERT_TRUE(cut(bytes.substr(0, at))) << at;
    ASSERT_EQ(read(manifest()), whole) << "ends at " << at;
    auto zeros = bytes;
    zeros.replace(at, zeros.npos, bytes.size() - at, '\0');
    if (zeros == bytes) continue;
    ASSERT_TRUE(cut(zeros)) << at;
    ASSERT_EQ(read(manifest()), whole) << "zeros from " << at;
  }
}

TEST_F(ManifestTest, OpensWithEverythingAfterATornEnd) {
  // As it stood before the last record: what that record made obsolete is
  // still there, because it goes only after the sync.
  reopen();
  commit({author.submit(author.next_id())});
  const ScratchDir other;
  const auto copy = other.path() / "c";
  fs::copy(dir.path(), copy, fs::copy_options::recursive);
  const auto torn = copy / "db" / manifest().filename();
  auto record = bytes.substr(starts[1], starts[2] - starts[1]);
  record.back() = static_cast<char>(record.back() ^ 1);
  write(torn, read(torn) + record);
  const auto opened = JobStore::open(copy, options, author.now_ms);
  ASSERT_TRUE(opened) << opened.error().message;
  for (const auto id : jobs) EXPECT_TRUE((*opened)->end(id));
  EXPECT_EQ((*opened)->last_index(), store->last_index() + 1);
}

TEST_F(ManifestTest, RefusesAFlippedByteBeforeTheLastRecord) {
  for (std::size_t at = 0; at < starts.back(); ++at) {
    const auto damaged = flipped(at);
    const auto refused = cut(damaged);
    ASSERT_FALSE(refused) << at;
    ASSERT_EQ(refused.error().code, Errc::corrupt);
    ASSERT_EQ(read(manifest()), damaged) << "it must not be touched";
  }
  const auto refused = open_error();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, Errc::corrupt);
  EXPECT_NE(refused->message.find(manifest().string()), std::string::npos)
      << refused->message;
}

TEST_F(ManifestTest, RefusesAFlippedByteInALastRecordThatWasSynced) {
  for (auto at = starts.back(); at < bytes.size(); ++at) {
    write(manifest(), flipped(at));
    ASSERT_EQ(open_error()->code, Errc::corrupt) << at;
  }
  write(manifest(), bytes.substr(0, starts.back()));
  EXPECT_EQ(open_error()->code, Errc::corrupt) << "a record is missing";
  write(manifest(), bytes);
  reopen();
}

// Whoever cut the file took the mark along: RocksDB, opened for writing, would
// remove the tables that the lost records name.
TEST_F(ManifestTest, RefusesWithoutTouchingAFileWhenRecordsAreMissing) {
  const auto mark = dir.path() / "db" / "manifest.synced";
  const auto marked = read(mark);
  int refused = 0;
  for (std::size_t i = 1; i < starts.size(); ++i) {
    for (const std::size_t more : {0, 9}) {
      const ScratchDir other;
      const auto copy = other.path() / "c";
      fs::copy(dir.path(), copy, fs::copy_options::recursive);
      fs::remove(copy / "db" / mark.filename());
      write(copy / "db" / manifest().filename(),
            bytes.substr(0, starts[i] + more));
      const auto before = names_in(copy / "db");
      const auto opened = JobStore::open(copy, options, author.now_ms);
      if (opened) {
        for (const auto id : jobs) ASSERT_TRUE((*opened)->end(id)) << i;
        continue;
      }
      ++refused;
      EXPECT_EQ(opened.error().code, Errc::corrupt) << opened.error().message;
      EXPECT_EQ(names_in(copy / "db"), before);
      EXPECT_FALSE(check_store(copy)) << "the check says otherwise";
    }
  }
  EXPECT_GT(refused, 0);
}

TEST_F(ManifestTest, ACopyWhoseRecordsAreMissingIsRefusedToo) {
  reopen();
  const ScratchDir other;
  const auto copy = other.path() / "c";
  ASSERT_TRUE(store->backup(copy) && JobStore::finish_backup(copy));
  fs::remove(copy / "db" / "manifest.synced");
  auto name = read(copy / "db" / "CURRENT");
  name.pop_back();
  const auto content = read(copy / "db" / name);
  write(copy / "db" / name, content.substr(0, content.size() / 2));
  const auto before = names_in(copy / "db");
  const auto opened = JobStore::open(copy, options, author.now_ms);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::corrupt) << opened.error().message;
  EXPECT_EQ(names_in(copy / "db"), before);
  EXPECT_FALSE(check_store(copy));
  write(copy / "db" / name, content);
  EXPECT_TRUE(check_store(copy));
  const auto whole = JobStore::open(copy, options, author.now_ms);
  ASSERT_TRUE(whole) << whole.error().message;
  for (const auto id : jobs) EXPECT_TRUE((*whole)->end(id));
}

TEST_F(ManifestTest, CutsARecordOfSeveralFragmentsAsOne) {
  const auto fragment = [](char type, const std::string& payload) {
    const auto checked = type + payload;
    const auto crc = storage::masked_crc32c(checked);
    std::string out;
    for (int i = 0; i < 4; ++i) out += static_cast<char>(crc >> (8 * i));
    out += static_cast<char>(payload.size());
    out += static_cast<char>(payload.size() >> 8);
    return out + checked;
  };
  constexpr char kFull = 1;
  constexpr char kFirst = 2;
  constexpr char kLast = 4;
  const auto one = fragment(kFull, std::string(20'000, 'a'));
  const auto first =
      fragment(kFirst, std::string(storage::kLogBlock - one.size() - 7, 'b'));
  const auto last = fragment(kLast, std::string(500, 'c'));
  auto torn = one + first + last;
  ASSERT_TRUE(cut(torn));
  EXPECT_EQ(read(manifest()), torn);
  torn[one.size() + 100] = 'x';
  ASSERT_TRUE(cut(torn));
  EXPECT_EQ(read(manifest()), one);
  torn = one + first + last + fragment(kFull, "d");
  torn[one.size() + 100] = 'x';
  EXPECT_FALSE(cut(torn)) << "a record follows";
}

}  // namespace
}  // namespace troupe
