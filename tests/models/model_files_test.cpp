#include "models/model_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>

#include "platform/file.hpp"
#include "platform/sha256.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr auto kNoProgress = nullptr;

class ModelFilesTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((model / name).parent_path());
    std::ofstream{model / name} << text;
  }
  std::string names() const {
    const auto files = model_files(model);
    EXPECT_TRUE(files);
    std::string all;
    for (const auto& file : *files) all += file.name + " ";
    return all;
  }
  Result<std::string> hash() { return model_hash(model, known, kNoProgress); }

  platform::TempDir dir;
  const fs::path model = dir.path() / "model";
  const fs::path cache = dir.path() / ".hashes.json";
  KnownHashes known = KnownHashes::load(cache);
};

TEST_F(ModelFilesTest, AreInOrderWithoutHiddenOnesAndPickles) {
  write("tokenizer.json", "t");
  write("config.json", "c");
  write("vae/model.safetensors", "v");
  write("pytorch_model.bin", "p");
  write(".cache/x", "x");
  write(".gitattributes", "g");
  EXPECT_EQ(names(), "config.json tokenizer.json vae/model.safetensors ");
  EXPECT_EQ(bytes_of(*model_files(model)), 3u);
  EXPECT_EQ(model_files(dir.path() / "nowhere").error().code, Errc::not_found);
}

TEST_F(ModelFilesTest, AFolderOfVeryManyFilesIsNoModel) {
  write("config.json", "c");
  const auto folder = [&](std::size_t i) {
    return model / (".empty" + std::to_string(i));
  };
  for (std::size_t i = 1; i < kMaxModelEntries; ++i)
    fs::create_directory(folder(i));
  EXPECT_EQ(names(), "config.json ");
  fs::create_directory(folder(0));
  EXPECT_EQ(model_files(model).error().code, Errc::too_large);
}

TEST_F(ModelFilesTest, LinksToFilesAreFilesAndLinksToFoldersAreNot) {
  write("config.json", "c");
  fs::create_directories(dir.path() / "blobs");
  std::ofstream{dir.path() / "blobs" / "b"} << "weights";
  fs::create_symlink("../blobs/b", model / "model.safetensors");
  fs::create_directory_symlink("..", model / "circle");
  EXPECT_EQ(names(), "config.json model.safetensors ");
  EXPECT_EQ(bytes_of(*model_files(model)), 8u);
}

TEST_F(ModelFilesTest, TheHashIsOverTheLinesOfSha256sum) {
  write("b/two", "2");
  write("one", "1");
  const auto two = platform::sha256_hex("2");
  const auto one = platform::sha256_hex("1");
  EXPECT_EQ(*hash(), platform::sha256_hex(two + "  b/two\n" + one + "  one\n"));
}

TEST_F(ModelFilesTest, AnotherByteOrNameIsAnotherHash) {
  write("one", "1");
  const auto before = *hash();
  write("one", "22");
  const auto after = *hash();
  EXPECT_NE(before, after);
  fs::rename(model / "one", model / "two");
  EXPECT_NE(*hash(), after);
}

TEST_F(ModelFilesTest, AFileIsReadOnceAndAgainWhenItWasWritten) {
  write("one", "1");
  const auto first = *hash();
  ASSERT_TRUE(known.save());
  auto later = KnownHashes::load(cache);
  EXPECT_EQ(known_model_hash(model, later), first);
  // Not even looked into.
  int reads = 0;
  const auto count = [&](std::uint64_t) { return ++reads > 0; };
  EXPECT_EQ(*model_hash(model, later, count), first);
  EXPECT_EQ(reads, 0);
  // The same length, at another time.
  write("one", "2");
  fs::last_write_time(model / "one",
                      fs::file_time_type::clock::now() + std::chrono::hours{1});
  EXPECT_FALSE(known_model_hash(model, later));
  EXPECT_NE(*model_hash(model, later, count), first);
  EXPECT_EQ(reads, 1);
}

TEST_F(ModelFilesTest, WhatIsKnownOfFilesThatWentIsForgotten) {
  write("one", "1");
  write("two", "2");
  ASSERT_TRUE(hash());
  fs::remove(model / "two");
  ASSERT_TRUE(known.save());
  const auto text = *platform::read_file(cache);
  EXPECT_THAT(text, HasSubstr("/one"));
  EXPECT_EQ(text.find("/two"), text.npos);
}

TEST_F(ModelFilesTest, ABrokenCacheIsMadeAnew) {
  write("one", "1");
  std::ofstream{cache} << "{\"files\":[{\"pa";
  auto broken = KnownHashes::load(cache);
  EXPECT_FALSE(known_model_hash(model, broken));
  const auto again = model_hash(model, broken, kNoProgress);
  ASSERT_TRUE(again);
  ASSERT_TRUE(broken.save());
  EXPECT_EQ(known_model_hash(model, KnownHashes::load(cache)), *again);
}

TEST_F(ModelFilesTest, ReadingEndsWhereItIsToldTo) {
  write("one", "1");
  const auto stopped =
      model_hash(model, known, [](std::uint64_t) { return false; });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
}

TEST_F(ModelFilesTest, AFileThatChangesWhileItIsReadIsRefused) {
  write("one", "1");
  const auto torn = model_hash(model, known, [&](std::uint64_t) {
    write("one", "longer");
    return true;
  });
  ASSERT_FALSE(torn);
  EXPECT_EQ(torn.error().code, Errc::io_error);
  EXPECT_THAT(torn.error().message, HasSubstr("changed while it was read"));
}

}  // namespace
}  // namespace troupe
