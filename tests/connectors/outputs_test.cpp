#include "connectors/process/outputs.hpp"

#include <gtest/gtest.h>

#include "platform/file.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using Names = std::vector<std::string>;

class OutputsTest : public ::testing::Test {
 protected:
  platform::TempDir dir;
  std::filesystem::path scratch = dir / "scratch";

  void SetUp() override { ASSERT_TRUE(platform::make_dirs(scratch)); }
  void put(const std::string& name) {
    ASSERT_TRUE(platform::make_dirs((scratch / name).parent_path()));
    ASSERT_TRUE(platform::create_new(scratch / name));
  }
  Names find(const std::vector<std::string>& patterns,
             const std::set<std::string>& inputs = {}) {
    auto found = find_outputs(scratch, patterns, inputs);
    EXPECT_TRUE(found) << found.error().message;
    Names names;
    if (found)
      for (const auto& file : *found) names.push_back(file.name);
    return names;
  }
  Errc refusal(const std::vector<std::string>& patterns) {
    auto found = find_outputs(scratch, patterns, {});
    EXPECT_FALSE(found);
    return found ? Errc::internal : found.error().code;
  }
};

TEST_F(OutputsTest, FindsPlainNamesAndPatternsEachFileOnce) {
  put("a.png");
  put("b.png");
  put("sub/c.png");
  put("d.txt");
  EXPECT_EQ(find({"*.png", "a.png", "sub/c.png"}),
            (Names{"a.png", "b.png", "sub/c.png"}));
  EXPECT_EQ(find({"**/*.png"}), (Names{"a.png", "b.png", "sub/c.png"}));
  EXPECT_EQ(find({"[ad].*"}), (Names{"a.png", "d.txt"}));
}

TEST_F(OutputsTest, PatternsLeaveInputsAloneButNamesDoNot) {
  put("in.mp4");
  put("out.mp4");
  EXPECT_EQ(find({"*.mp4"}, {"in.mp4"}), Names{"out.mp4"});
  EXPECT_EQ(find({"in.mp4"}, {"in.mp4"}), Names{"in.mp4"});
}

TEST_F(OutputsTest, APatternMayMatchNothingButANameMustBeThere) {
  EXPECT_EQ(find({"*.png"}), Names{});
  auto found = find_outputs(scratch, {"x.bin", "y.bin"}, {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::not_found);
  EXPECT_NE(found.error().message.find("x.bin, y.bin"), std::string::npos);
}

TEST_F(OutputsTest, NoOutputTakesTheNameOfALog) {
  put("attempt-1.log");
  put("train.log");
  auto found = find_outputs(scratch, {"*.log"}, {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::denied);
  EXPECT_NE(found.error().message.find("'attempt-1.log'"), std::string::npos);
}

TEST_F(OutputsTest, NoLinkLeadsOut) {
  ASSERT_TRUE(platform::create_new(dir / "secret"));
  std::filesystem::create_symlink(dir / "secret", scratch / "file");
  std::filesystem::create_directory_symlink(dir.path(), scratch / "folder");
  EXPECT_EQ(refusal({"file"}), Errc::denied);
  EXPECT_EQ(refusal({"folder/secret"}), Errc::denied);
  EXPECT_EQ(find({"*", "**/*", "folder/*"}), Names{});
}

TEST_F(OutputsTest, NoPathLeadsOut) {
  ASSERT_TRUE(platform::create_new(dir / "secret"));
  EXPECT_EQ(refusal({"../secret"}), Errc::denied);
  EXPECT_EQ(refusal({"/etc/passwd"}), Errc::denied);
  EXPECT_EQ(refusal({"a/../../secret"}), Errc::denied);
  EXPECT_EQ(refusal({"../*"}), Errc::denied);
}

TEST_F(OutputsTest, AFolderIsNoOutput) {
  ASSERT_TRUE(platform::make_dirs(scratch / "folder"));
  EXPECT_EQ(refusal({"folder"}), Errc::denied);
}

TEST_F(OutputsTest, AcceptsTheMostFilesAndRefusesOneMore) {
  for (std::size_t i = 0; i < kMaxOutputFiles; ++i)
    put(std::to_string(i) + ".o");
  EXPECT_EQ(find({"*.o"}).size(), kMaxOutputFiles);
  put("one-more.o");
  EXPECT_EQ(refusal({"*.o"}), Errc::too_large);
}

TEST(Pattern, StarsStayWithinAPartAndTwoStarsDoNot) {
  EXPECT_TRUE(matches_pattern("*.png", "a.png"));
  EXPECT_FALSE(matches_pattern("*.png", "a/b.png"));
  EXPECT_TRUE(matches_pattern("**/*.png", "a.png"));
  EXPECT_TRUE(matches_pattern("**/*.png", "a/b/c.png"));
  EXPECT_TRUE(matches_pattern("a/**/b", "a/b"));
  EXPECT_TRUE(matches_pattern("a/**/b", "a/x/y/b"));
  EXPECT_FALSE(matches_pattern("a/**/b", "a/x/y/c"));
  EXPECT_TRUE(matches_pattern("a/**", "a/x/y"));
  EXPECT_TRUE(matches_pattern("?.png", "a.png"));
  EXPECT_FALSE(matches_pattern("?.png", "ab.png"));
}

TEST(Pattern, HiddenFilesMustBeNamed) {
  EXPECT_FALSE(matches_pattern("*", ".cache"));
  EXPECT_TRUE(matches_pattern(".*", ".cache"));
  EXPECT_FALSE(matches_pattern("**/x", ".git/x"));
  EXPECT_TRUE(matches_pattern(".git/x", ".git/x"));
}

TEST(Pattern, ManyTwoStarsCostNoExplosion) {
  std::string pattern;
  std::string name;
  for (int i = 0; i < 200; ++i) {
    pattern += "**/a/";
    name += "a/";
  }
  EXPECT_FALSE(matches_pattern(pattern + "x", name + "b"));
}

TEST(MediaType, GoesByTheEnding) {
  EXPECT_EQ(media_type_of("film.webm"), "video/webm");
  EXPECT_EQ(media_type_of("a.b/film"), "application/octet-stream");
}

}  // namespace
}  // namespace troupe
