#include "apps/local_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using testing::HasSubstr;

TEST(LocalFilesTest, SaysWhyAFileCannotBeSent) {
  platform::TempDir dir;
  std::ofstream{dir / "film"} << "x";
  EXPECT_EQ(file_fault(dir / "film"), "");
  EXPECT_THAT(file_fault(dir / "flim"), HasSubstr("does not exist"));
  EXPECT_THAT(file_fault(dir / "film" / "x"), HasSubstr("film/x'"));
  EXPECT_THAT(file_fault(dir / "."), HasSubstr("is a folder"));
  EXPECT_THAT(file_fault("/dev/null"), HasSubstr("no regular file"));
  const auto bytes = std::filesystem::file_size(dir / "film");
  EXPECT_EQ(file_fault(dir / "film", bytes), "");
  EXPECT_THAT(
      file_fault(dir / "film", bytes - 1),
      HasSubstr("at most " + std::to_string(bytes - 1) + " are allowed"));
}

TEST(LocalFilesTest, SaysWhyNoFileCanBePutThere) {
  platform::TempDir dir;
  std::ofstream{dir / "film"} << "x";
  std::filesystem::create_symlink("circle", dir / "circle");
  std::filesystem::create_symlink("film", dir / "link");
  std::filesystem::create_symlink("not-yet", dir / "ahead");
  for (const auto* name : {"film", "new", "link", "ahead"})
    EXPECT_EQ(target_fault(dir / name), "") << name;
  EXPECT_THAT(target_fault(dir / "circle"), HasSubstr("leads to itself"));
  EXPECT_THAT(target_fault(dir / "circle" / "x"), HasSubstr("itself"));
  EXPECT_THAT(target_fault(dir.path()), HasSubstr("is a folder"));
}

TEST(LocalFilesTest, MakesANamedFolderOrSaysThatItCannotBe) {
  platform::TempDir dir;
  std::ofstream{dir / "film"} << "x";
  std::filesystem::create_symlink("circle", dir / "circle");
  EXPECT_TRUE(make_named_folder(""));
  EXPECT_TRUE(make_named_folder(dir / "a" / "b"));
  EXPECT_TRUE(make_named_folder(dir / "a" / "b"));
  for (const auto& path : {dir / "film", dir / "film" / "x", dir / "circle",
                           std::filesystem::path{"/proc/troupe"}}) {
    const auto made = make_named_folder(path);
    ASSERT_FALSE(made) << path;
    EXPECT_EQ(made.error().code, Errc::invalid_argument);
  }
}

}  // namespace
}  // namespace troupe
