#include "platform/bulk_reader.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "platform/file.hpp"
#include "tests/platform/cold_file.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe::platform {
namespace {

constexpr std::size_t kSize = 50 * kDiskBlock + 123;

class BulkReaderTest : public ::testing::Test {
 protected:
  BulkReaderTest() {
    std::mt19937 random{3};
    for (auto& byte : bytes_) byte = static_cast<char>(random());
    EXPECT_TRUE(write_file_atomically(path_, bytes_));
  }
  BulkReader open() {
    auto fd = open_read(path_);
    EXPECT_TRUE(fd);
    auto reader = BulkReader::open(path_, std::move(*fd));
    EXPECT_TRUE(reader);
    return std::move(*reader);
  }
  // What lies there, as far as the file goes.
  std::string expected(std::size_t offset, std::size_t bytes) const {
    return offset < kSize ? bytes_.substr(offset, bytes) : "";
  }
  void expect_the_files_bytes(const BulkReader& reader) {
    AlignedBytes aside;
    for (const std::size_t offset :
         {std::size_t{0}, std::size_t{1}, kDiskBlock - 1, kDiskBlock,
          7 * kDiskBlock + 100, kSize - 5, kSize, kSize + 9 * kDiskBlock})
      for (const std::size_t bytes : {std::size_t{0}, std::size_t{1},
                                      kDiskBlock, 3 * kDiskBlock + 17, kSize}) {
        SCOPED_TRACE(std::to_string(bytes) + " from " + std::to_string(offset));
        const auto seen = reader.view(offset, bytes, aside);
        ASSERT_TRUE(seen) << seen.error().message;
        EXPECT_EQ(std::string(reinterpret_cast<const char*>(seen->data()),
                              seen->size()),
                  expected(offset, bytes));
        for (const std::size_t shift : {0, 64}) {
          AlignedBytes memory;
          const std::span<std::byte> out{memory.at_least(bytes + shift) + shift,
                                         bytes};
          const auto have = reader.read(offset, out);
          ASSERT_TRUE(have) << have.error().message;
          EXPECT_EQ(
              std::string(reinterpret_cast<const char*>(out.data()), *have),
              expected(offset, bytes));
        }
      }
  }

  TempDir dir_;
  const std::filesystem::path path_ = dir_ / "file";
  std::string bytes_ = std::string(kSize, ' ');
};

TEST_F(BulkReaderTest, TakesFromTheCacheWhatLiesThere) {
  ASSERT_TRUE(read_file(path_));
  const auto reader = open();
  EXPECT_FALSE(reader.past_cache());
  expect_the_files_bytes(reader);
}

TEST_F(BulkReaderTest, ReadsPastTheCacheWhatLiesOnTheDisk) {
  if (!make_cold(path_)) GTEST_SKIP() << "no way past the cache here";
  const auto reader = open();
  ASSERT_TRUE(reader.past_cache());
  AlignedBytes aside;
  ASSERT_TRUE(reader.view(0, kSize / kDiskBlock * kDiskBlock, aside));
  EXPECT_TRUE(open().past_cache()) << "it brought the file into the cache";
  expect_the_files_bytes(reader);
}

TEST_F(BulkReaderTest, SeesThatTheFileBecameShorter) {
  make_cold(path_);
  const auto reader = open();
  std::filesystem::resize_file(path_, 3 * kDiskBlock + 5);
  AlignedBytes aside;
  const auto seen = reader.view(2 * kDiskBlock + 1, 4 * kDiskBlock, aside);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->size(), kDiskBlock + 4);
}

}  // namespace
}  // namespace troupe::platform
