#include "models/model_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <fstream>
#include <sstream>

#include "platform/file.hpp"
#include "platform/folder_lock.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class ModelStoreTest : public testing::Test {
 protected:
  ModelStoreTest() {
    write("config.json", "c");
    write("parts/weights.safetensors", std::string(3'000'000, 'w'));
    write("old.bin", "pickle");
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((from / name).parent_path());
    std::ofstream{from / name} << text;
  }
  Result<fs::path> add(const std::string& name, bool link = false,
                       const ModelProgress& progress = nullptr) {
    return add_model(models, {from, name, link}, known, progress);
  }
  static std::string text(const fs::path& file) {
    std::ostringstream all;
    all << std::ifstream{file}.rdbuf();
    return all.str();
  }
  /// All in `models` but the lock.
  std::string left() const {
    std::string all;
    for (const auto& entry : fs::directory_iterator{models})
      if (entry.path().filename() != ".lock")
        all += entry.path().filename().string() + " ";
    return all;
  }

  platform::TempDir dir;
  const fs::path from = dir.path() / "from";
  const fs::path models = dir.path() / "data" / "models";
  KnownHashes known = KnownHashes::load(hashes_file(models));
};

TEST_F(ModelStoreTest, AModelComesWithAllItsFilesAndTheirHashes) {
  std::uint64_t told = 0;
  const auto folder = add("demo", false, [&](std::uint64_t done) {
    told = done;
    return true;
  });
  ASSERT_TRUE(folder) << folder.error().message;
  EXPECT_EQ(*folder, models / "demo");
  EXPECT_EQ(text(*folder / "config.json"), "c");
  EXPECT_EQ(text(*folder / "parts/weights.safetensors"),
            std::string(3'000'000, 'w'));
  EXPECT_FALSE(fs::exists(*folder / "old.bin"));
  EXPECT_EQ(told, 3'000'001u);
  EXPECT_EQ(left(), "demo ");
  auto none = KnownHashes::load("/nowhere");
  EXPECT_EQ(known_model_hash(*folder, known), *model_hash(from, none, nullptr));
}

TEST_F(ModelStoreTest, ALinkIsNoCopy) {
  ASSERT_TRUE(add("demo", true));
  EXPECT_EQ(fs::read_symlink(models / "demo"), from);
  EXPECT_TRUE(known_model_hash(models / "demo", known));
  ASSERT_TRUE(remove_model(models, "demo"));
  EXPECT_EQ(left(), "");
  EXPECT_TRUE(fs::exists(from / "config.json"));
}

TEST_F(ModelStoreTest, ANameIsTakenOnce) {
  ASSERT_TRUE(add("demo"));
  write("config.json", "other");
  for (const bool link : {false, true}) {
    const auto again = add("demo", link);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::already_exists);
    EXPECT_THAT(again.error().message, HasSubstr("--name"));
  }
  EXPECT_EQ(text(models / "demo" / "config.json"), "c");
}

TEST_F(ModelStoreTest, NamesArePlain) {
  for (const auto* name :
       {"", ".", "..", ".x", "a/b", "a b", "a\n", "\xc3\xa4", "a\"b"})
    EXPECT_EQ(add(name).error().code, Errc::invalid_argument) << name;
  EXPECT_EQ(add(std::string(129, 'x')).error().code, Errc::invalid_argument);
  EXPECT_TRUE(add("Qwen2.5-0.5B_x", true));
}

TEST_F(ModelStoreTest, WhatIsInterruptedLeavesNothing) {
  const auto stopped =
      add("demo", false, [](std::uint64_t done) { return done < 2'000'000; });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
  EXPECT_EQ(left(), "");
}

// As on a full disk: the file takes no more after a megabyte.
TEST_F(ModelStoreTest, WhatCannotBeWrittenLeavesNothing) {
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  auto* const handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1 << 20, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto failed = add("demo");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  ::signal(SIGXFSZ, handler);
  ASSERT_FALSE(failed);
  EXPECT_EQ(left(), "");
  EXPECT_TRUE(add("demo")) << "the same order, once there is room";
}

TEST_F(ModelStoreTest, WhatDoesNotFitIsRefusedBeforeItIsCopied) {
  const auto space = platform::disk_space(from);
  ASSERT_TRUE(space);
  // Long, and yet without a block of the disk.
  const auto bytes = space->free_bytes + (1ull << 30);
  fs::resize_file(from / "parts/weights.safetensors", bytes);
  const auto refused = add("demo");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::disk_full);
  EXPECT_THAT(refused.error().message,
              HasSubstr(std::to_string(bytes + 1) + " bytes"));
  EXPECT_THAT(refused.error().message, HasSubstr("--link"));
  EXPECT_EQ(left(), "");
}

TEST_F(ModelStoreTest, WhatADeadProcessLeftIsCleared) {
  fs::create_directories(models / ".new-other" / "parts");
  fs::create_directories(models / ".gone-other");
  ASSERT_TRUE(add("demo"));
  EXPECT_EQ(left(), "demo ");
}

TEST_F(ModelStoreTest, TwoDoNotComeAtOnce) {
  fs::create_directories(models);
  const auto other = platform::FolderLock::acquire(models, ".lock");
  ASSERT_TRUE(other);
  EXPECT_EQ(add("demo").error().code, Errc::locked);
  fs::create_directories(models / "there");
  EXPECT_EQ(remove_model(models, "there").error().code, Errc::locked);
}

TEST_F(ModelStoreTest, OneIsRemovedWhole) {
  ASSERT_TRUE(add("demo"));
  ASSERT_TRUE(add("other", true));
  ASSERT_TRUE(remove_model(models, "demo"));
  EXPECT_EQ(left(), "other ");
  for (const auto* name : {"demo", "", "..", ".lock", "../../from"})
    EXPECT_EQ(remove_model(models, name).error().code, Errc::not_found);
  EXPECT_TRUE(fs::exists(from));
}

}  // namespace
}  // namespace troupe
