#include "config/data_folder.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

TEST(DataFolderTest, TheCommandLineWinsOverTheEnvironment) {
  auto folder = find_data_folder("/flag", {"/troupe", "/xdg", "/home/me"});
  ASSERT_TRUE(folder);
  EXPECT_EQ(folder->path, "/flag");
  EXPECT_EQ(folder->origin, "--data");
}

TEST(DataFolderTest, TheEnvironmentIsAskedFromNarrowToWide) {
  EXPECT_EQ(find_data_folder("", {"/troupe", "/xdg", "/home/me"})->path,
            "/troupe");
  EXPECT_EQ(find_data_folder("", {"", "/xdg", "/home/me"})->path,
            "/xdg/troupe");
  EXPECT_EQ(find_data_folder("", {"", "", "/home/me"})->path,
            "/home/me/.local/share/troupe");
}

TEST(DataFolderTest, ARelativeXdgFolderIsIgnored) {
  EXPECT_EQ(find_data_folder("", {"", "xdg", "/home/me"})->path,
            "/home/me/.local/share/troupe");
}

TEST(DataFolderTest, ARelativeFolderBecomesAbsolute) {
  auto folder = find_data_folder("here", {});
  ASSERT_TRUE(folder);
  EXPECT_EQ(folder->path, std::filesystem::current_path() / "here");
}

TEST(DataFolderTest, SaysWhatToDoWhenNothingNamesOne) {
  auto folder = find_data_folder("", {});
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().message.find("--data DIR"), std::string::npos);
}

}  // namespace
}  // namespace troupe
