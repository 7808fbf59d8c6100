// What is said of a store that is only looked at.
#include "persistence/store_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "tests/persistence/damage.hpp"
#include "tests/persistence/store_fixture.hpp"

namespace troupe {
namespace {

namespace fs = std::filesystem;

using testing::HasSubstr;

class StoreCheckTest : public StoreTest {
 protected:
  StoreCheckTest() {
    for (int i = 0; i < 100; ++i) run_one();
    index_all();
    reopen();
    run_one();
  }

  static std::string read(const fs::path& path) {
    std::ostringstream out;
    out << std::ifstream{path, std::ios::binary}.rdbuf();
    return out.str();
  }
  /// Every file there is and what is in it.
  std::map<std::string, std::string> content() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator{dir.path()})
      if (entry.is_regular_file()) all[entry.path()] = read(entry.path());
    return all;
  }
  fs::path file(const std::string& name_part) const {
    for (const auto& [name, bytes] : content())
      if (name.find(name_part) != name.npos && !bytes.empty()) return name;
    return {};
  }
  /// The name of the largest table, of the index or not, after a flip in it.
  fs::path flip_in_table(bool of_the_index) const {
    fs::path largest;
    std::uintmax_t bytes = 0;
    for (const auto& table : tables_of(dir.path(), options)) {
      const auto path = dir.path() / "db" / table.name;
      if (table.of_the_index != of_the_index || fs::file_size(path) <= bytes)
        continue;
      bytes = fs::file_size(path);
      largest = path;
    }
    if (bytes > 0) flip(largest, bytes / 3);
    return largest.filename();
  }
  Error wrong() const {
    const auto checked = check_store(dir.path());
    return checked ? Error{Errc::internal, "nothing is wrong"}
                   : checked.error();
  }
};

TEST_F(StoreCheckTest, AWholeStoreIsRightAndStaysAsItIs) {
  store.reset();
  const auto before = content();
  const auto checked = check_store(dir.path());
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->index_damage, "");
  EXPECT_EQ(content(), before);
}

TEST_F(StoreCheckTest, AFolderWithoutAStoreIsRight) {
  const ScratchDir empty;
  EXPECT_TRUE(check_store(empty.path()));
  EXPECT_TRUE(check_store(empty.path() / "none"));
}

TEST_F(StoreCheckTest, AStoreThatIsOpenIsNotLookedAt) {
  EXPECT_EQ(wrong().code, Errc::locked);
}

TEST_F(StoreCheckTest, NamesATableOfTheLogWhoseBytesAreFlipped) {
  store.reset();
  const auto table = flip_in_table(false);
  ASSERT_FALSE(table.empty());
  EXPECT_EQ(wrong().code, Errc::corrupt);
  EXPECT_THAT(wrong().message, HasSubstr(table.string()));
}

TEST_F(StoreCheckTest, ADamagedIndexIsTheStartsToMend) {
  store.reset();
  const auto table = flip_in_table(true);
  ASSERT_FALSE(table.empty());
  const auto before = content();
  const auto checked = check_store(dir.path());
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_THAT(checked->index_damage, HasSubstr(table.string()));
  EXPECT_EQ(content(), before);
}

TEST_F(StoreCheckTest, ADamagedIndexDoesNotHideADamagedLog) {
  store.reset();
  ASSERT_FALSE(flip_in_table(true).empty());
  ASSERT_FALSE(flip_in_table(false).empty());
  EXPECT_EQ(wrong().code, Errc::corrupt);
}

TEST_F(StoreCheckTest, NamesAManifestThatIsCut) {
  store.reset();
  const auto manifest = file("MANIFEST-");
  fs::resize_file(manifest, fs::file_size(manifest) / 2);
  const auto before = content();
  EXPECT_EQ(wrong().code, Errc::corrupt);
  EXPECT_THAT(wrong().message, HasSubstr(manifest.filename().string()));
  EXPECT_EQ(content(), before);
}

TEST_F(StoreCheckTest, AManifestThatAStartMendsIsRightAndLeftTorn) {
  store.reset();
  // A record of four bytes whose checksum is wrong.
  std::ofstream{file("MANIFEST-"), std::ios::app}
      << std::string{"\1\2\3\4\4\0\1torn", 11};
  const auto before = content();
  EXPECT_TRUE(check_store(dir.path()));
  EXPECT_EQ(content(), before);
}

TEST_F(StoreCheckTest, MissesWhatWasAcknowledged) {
  store.reset();
  for (const auto& [name, bytes] : content())
    if (name.ends_with(".log")) fs::remove(name);
  EXPECT_EQ(wrong().code, Errc::corrupt);
  fs::remove(dir.path() / "db" / "CURRENT");
  EXPECT_EQ(wrong().code, Errc::corrupt);
}

TEST_F(StoreCheckTest, AnUnfinishedBackupIsNoStore) {
  const ScratchDir other;
  ASSERT_TRUE(store->backup(other.path() / "b"));
  const auto checked = check_store(other.path() / "b");
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Errc::corrupt);
  ASSERT_TRUE(JobStore::finish_backup(other.path() / "b"));
  EXPECT_TRUE(check_store(other.path() / "b"));
}

}  // namespace
}  // namespace troupe
