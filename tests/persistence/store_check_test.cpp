// What is said of a store that is only looked at.
#include "persistence/store_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

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
  static void flip(const fs::path& path, std::size_t at) {
    auto bytes = read(path);
    bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
    std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
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
  EXPECT_TRUE(checked) << checked.error().message;
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

TEST_F(StoreCheckTest, NamesATableWhoseBytesAreFlipped) {
  store.reset();
  const auto table = file(".sst");
  flip(table, fs::file_size(table) / 3);
  EXPECT_EQ(wrong().code, Errc::corrupt);
  EXPECT_THAT(wrong().message, HasSubstr(table.filename().string()));
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
  std::ofstream{file("MANIFEST-"), std::ios::app} << "torn";
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

}  // namespace
}  // namespace troupe
