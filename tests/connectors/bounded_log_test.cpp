#include "connectors/process/bounded_log.hpp"

#include <gtest/gtest.h>

#include "platform/file.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

class BoundedLogTest : public ::testing::Test {
 protected:
  platform::TempDir dir;
  std::filesystem::path path = dir / "attempt-1.log";

  void write(BoundedLog& log, int from, int to) {
    for (int i = from; i < to; ++i)
      ASSERT_TRUE(log.append("line " + std::to_string(i)));
  }
  std::uint64_t bytes_on_disk() {
    std::uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir.path()))
      bytes += entry.file_size();
    return bytes;
  }
};

TEST_F(BoundedLogTest, KeepsAShortLogWhole) {
  auto log = BoundedLog::create(path, 4096);
  ASSERT_TRUE(log);
  write(*log, 0, 3);
  EXPECT_EQ(*read_log(path), "line 0\nline 1\nline 2\n");
}

TEST_F(BoundedLogTest, KeepsHeadAndTailWithinTheLimitAndSaysWhatWasDropped) {
  auto log = BoundedLog::create(path, 4096);
  write(*log, 0, 10'000);
  auto text = read_log(path);
  ASSERT_TRUE(text);
  EXPECT_LE(bytes_on_disk(), 4096u);
  EXPECT_TRUE(text->starts_with("line 0\n"));
  EXPECT_TRUE(text->ends_with("line 9999\n"));
  const auto note = text->find("[... ");
  ASSERT_NE(note, std::string::npos);
  const auto dropped = std::stoull(text->substr(note + 5));
  const auto note_bytes = text->find('\n', note) + 1 - note;
  std::uint64_t all = 0;
  for (int i = 0; i < 10'000; ++i) all += 6 + std::to_string(i).size();
  EXPECT_EQ(dropped + text->size() - note_bytes, all);
}

TEST_F(BoundedLogTest, TheTailIsNeverLessThanAQuarterOnceTheHeadIsFull) {
  auto log = BoundedLog::create(path, 4096);
  for (int i = 0; i < 2'000; ++i) {
    ASSERT_TRUE(log->append("line " + std::to_string(i)));
    if (i > 600) {
      const auto text = *read_log(path);
      ASSERT_GE(text.size() - text.find("...]"), 900u) << "after line " << i;
    }
  }
}

TEST_F(BoundedLogTest, NothingIsDroppedAtTheBorderOfHeadAndTail) {
  auto log = BoundedLog::create(path, 4096);
  write(*log, 0, 300);  // Over the head's half, within the first segments.
  std::string all;
  for (int i = 0; i < 300; ++i) all += "line " + std::to_string(i) + "\n";
  EXPECT_EQ(*read_log(path), all);
}

TEST_F(BoundedLogTest, TheNewestLinesAreThereWhileItIsWritten) {
  auto log = BoundedLog::create(path, 4096);
  write(*log, 0, 1'000);
  EXPECT_EQ(last_log_lines(path, 2),
            (std::vector<std::string>{"line 998", "line 999"}));
}

TEST_F(BoundedLogTest, LastLinesOfAShortOrMissingLog) {
  EXPECT_TRUE(last_log_lines(path, 3).empty());
  auto log = BoundedLog::create(path, 4096);
  write(*log, 0, 1);
  EXPECT_EQ(last_log_lines(path, 3), (std::vector<std::string>{"line 0"}));
}

TEST_F(BoundedLogTest, OnAFullDiskTheNewestLinesStayInMemory) {
  auto log = BoundedLog::create(path, 4096);
  const std::string line(99, 'x');
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(log->append(line));
  // The next file of the log cannot take a byte.
  const auto next = path.string() + ".tail-2000";
  std::filesystem::create_symlink("/dev/full", next);
  EXPECT_EQ(log->append(line).error().code, Errc::disk_full);
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(log->append(std::to_string(i)));
  std::filesystem::remove(next);
  ASSERT_TRUE(log->unwritten());
  EXPECT_EQ(log->unwritten()->count, 31u);
  EXPECT_EQ(log->unwritten()->newest.size(), kUnwrittenKept);
  EXPECT_EQ(log->unwritten()->newest.front(), "10");
  EXPECT_EQ(log->unwritten()->newest.back(), "29");
  EXPECT_EQ(read_log(path)->size(), 2'000u);
  EXPECT_TRUE(text_of(*log->unwritten())
                  .starts_with("[... the log ends here: the disk is full; 31 "
                               "more lines, of which the last 20: ...]\n10\n"));
}

TEST_F(BoundedLogTest, ANewLogRemovesTheOldOne) {
  {
    auto log = BoundedLog::create(path, 4096);
    write(*log, 0, 2'000);
  }
  auto log = BoundedLog::create(path, 4096);
  ASSERT_TRUE(log->append("new"));
  EXPECT_EQ(*read_log(path), "new\n");
}

TEST_F(BoundedLogTest, AnotherLogOfTheSameFolderIsLeftAlone) {
  auto one = BoundedLog::create(path, 4096);
  auto other = BoundedLog::create(dir / "attempt-11.log", 4096);
  write(*one, 0, 2'000);
  ASSERT_TRUE(other->append("other"));
  remove_log(path);
  EXPECT_EQ(*read_log(dir / "attempt-11.log"), "other\n");
  EXPECT_EQ(read_log(path).error().code, Errc::not_found);
}

TEST_F(BoundedLogTest, AFullDiskIsToldOnceAndThenItIsSilent) {
  auto log = BoundedLog::create(path, 4096);
  ASSERT_TRUE(log);
  // The first tail segment cannot be made: its name is taken by a folder.
  std::string line(2047, 'x');
  ASSERT_TRUE(log->append(line));
  std::filesystem::create_directory(path.string() + ".tail-2048");
  EXPECT_FALSE(log->append("more"));
  EXPECT_TRUE(log->append("more"));
}

}  // namespace
}  // namespace troupe
