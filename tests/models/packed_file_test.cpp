// Bytes kept in blocks: what was written comes back, and nothing else is taken.
#include "models/weights/packed_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>

#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

std::vector<std::byte> random_bytes(std::size_t n) {
  std::mt19937 random{5};
  std::vector<std::byte> bytes(n);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random() % 256);
  return bytes;
}

class PackedFileTest : public ::testing::Test {
 protected:
  void write() {
    auto writer = PackedFileWriter::create(path_, dir_.path(), tag_);
    ASSERT_TRUE(writer);
    const std::span all{bytes_};
    ASSERT_TRUE(writer->write(all.first(kPackedBlockBytes)));
    ASSERT_TRUE(writer->write(all.subspan(kPackedBlockBytes)));
    ASSERT_TRUE(writer->commit());
  }
  Result<std::vector<std::byte>> read() {
    const auto file = PackedFile::open(path_);
    if (!file) return file.error();
    std::vector<std::byte> all(file->bytes());
    for (std::uint64_t i = 0; i < file->blocks(); ++i)
      if (auto good =
              file->read(i, std::span{all}.subspan(i * kPackedBlockBytes,
                                                   file->block_bytes(i)));
          !good)
        return good.error();
    return all;
  }
  void flip(std::uint64_t at) {
    std::fstream file{path_, std::ios::in | std::ios::out | std::ios::binary};
    file.seekg(static_cast<std::streamoff>(at));
    const auto byte = static_cast<char>(file.get() ^ 1);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
  }

  platform::TempDir dir_;
  const fs::path path_ = dir_ / "packed";
  const PackedTag tag_{.what = "bytes",
                       .folder = "/models/a",
                       .sources = {{"a.safetensors", {0, 1, 2, 3}}}};
  std::vector<std::byte> bytes_ = random_bytes(2 * kPackedBlockBytes + 12'345);
};

TEST_F(PackedFileTest, IsItsOwnersAloneAsAllFilesOfADataFolderAre) {
  write();
  EXPECT_EQ(fs::status(path_).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(PackedFileTest, GivesBackWhatWasWrittenAndItsTag) {
  write();
  const auto read_back = read();
  ASSERT_TRUE(read_back) << read_back.error().message;
  EXPECT_TRUE(*read_back == bytes_);
  EXPECT_EQ(PackedFile::open(path_)->tag(), tag_);
  EXPECT_EQ(PackedFile::open(path_)->tag().folder, "/models/a");
}

TEST_F(PackedFileTest, TellsOtherSourcesAndOtherBytesApart) {
  write();
  auto other = tag_;
  other.sources[0].stamp.mtime_ns = 4;
  EXPECT_FALSE(PackedFile::open(path_)->tag() == other);
  other = tag_;
  other.what = "other bytes";
  EXPECT_FALSE(PackedFile::open(path_)->tag() == other);
}

TEST_F(PackedFileTest, FindsAChangedByteInAnyBlock) {
  for (const auto at : {std::uint64_t{0}, kPackedBlockBytes + 7,
                        std::uint64_t{bytes_.size() - 1}}) {
    write();
    flip(at);
    const auto changed = read();
    ASSERT_FALSE(changed) << at;
    EXPECT_EQ(changed.error().code, Errc::corrupt);
    EXPECT_THAT(changed.error().message,
                HasSubstr("block " + std::to_string(at / kPackedBlockBytes)));
  }
}

TEST_F(PackedFileTest, RefusesAChangedTag) {
  write();
  for (auto at = bytes_.size(); at < fs::file_size(path_); at += 3) {
    flip(at);
    EXPECT_FALSE(PackedFile::open(path_)) << at;
    flip(at);
  }
  EXPECT_TRUE(PackedFile::open(path_));
}

TEST_F(PackedFileTest, RefusesAFileCutAnywhere) {
  write();
  const auto whole = fs::file_size(path_);
  for (const auto bytes : {whole - 1, whole - 24, std::uintmax_t{bytes_.size()},
                           std::uintmax_t{100}, std::uintmax_t{0}}) {
    fs::resize_file(path_, bytes);
    const auto cut = PackedFile::open(path_);
    ASSERT_FALSE(cut) << bytes;
    EXPECT_EQ(cut.error().code, Errc::corrupt);
    EXPECT_THAT(cut.error().message, HasSubstr(path_.string()));
  }
}

TEST_F(PackedFileTest, TellsOfAFileCutWhileItIsRead) {
  write();
  const auto file = PackedFile::open(path_);
  fs::resize_file(path_, 1000);
  std::vector<std::byte> block(kPackedBlockBytes);
  EXPECT_EQ(file->read(0, block).error().code, Errc::corrupt);
}

TEST_F(PackedFileTest, LeavesNothingWhereItIsNotFinished) {
  {
    auto writer = PackedFileWriter::create(path_, dir_.path(), tag_);
    ASSERT_TRUE(writer->write(std::span{bytes_}.first(kPackedBlockBytes)));
  }
  EXPECT_TRUE(fs::is_empty(dir_.path()));
}

TEST_F(PackedFileTest, SumsDifferForZerosOfOtherLengthsAndMovedWords) {
  const std::vector<std::byte> zeros(64);
  EXPECT_NE(block_sum(std::span{zeros}.first(32)), block_sum(zeros));
  auto words = random_bytes(64);
  const auto sum = block_sum(words);
  std::swap_ranges(words.begin(), words.begin() + 8, words.begin() + 32);
  EXPECT_NE(block_sum(words), sum);
}

}  // namespace
}  // namespace troupe
