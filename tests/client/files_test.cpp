// Files in and out through cuts of the connection; see fake_head.hpp.
#include "client/files.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <future>

#include "client/media_type.hpp"
#include "platform/file.hpp"
#include "platform/sha256.hpp"
#include "tests/client/fake_head.hpp"

namespace troupe::client {
namespace {

class FilesTest : public HeadTest {
 protected:
  static std::string noise(std::size_t bytes) {
    auto random = seeded_random(7);
    std::string text;
    text.reserve(bytes + 8);
    while (text.size() < bytes) {
      const auto x = random->next();
      text.append(reinterpret_cast<const char*>(&x), sizeof x);
    }
    text.resize(bytes);
    return text;
  }
  std::filesystem::path write(const std::string& name,
                              const std::string& bytes) {
    const auto path = data() / name;
    std::ofstream{path, std::ios::binary} << bytes;
    return path;
  }
  static std::string read(const std::filesystem::path& path) {
    return *platform::read_file(path, 1u << 30);
  }
  void store(const std::string& bytes) {
    memory.with(
        [&](Memory& m) { m.artifacts[platform::sha256_hex(bytes)] = bytes; });
  }
};

TEST_F(FilesTest, AFileGoesInAndOut) {
  const auto bytes = noise(3 * kMaxChunkBytes + 17);
  auto client = connect();
  auto ref = client->upload(write("photo.png", bytes));
  ASSERT_TRUE(ref) << ref.error().message;
  EXPECT_EQ(ref->name, "photo.png");
  EXPECT_EQ(ref->media_type, "image/png");
  EXPECT_EQ(ref->bytes, bytes.size());
  EXPECT_EQ(ref->sha256, platform::sha256_hex(bytes));
  auto reader = client->open(ref->sha256);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ((*reader)->size_bytes(), bytes.size());
  ASSERT_TRUE((*reader)->download(data() / "copy.png"));
  EXPECT_TRUE(read(data() / "copy.png") == bytes);
}

TEST_F(FilesTest, AnEmptyFileGoesInAndOut) {
  auto client = connect();
  auto ref = client->upload(write("empty.txt", ""));
  ASSERT_TRUE(ref) << ref.error().message;
  auto reader = client->open(ref->sha256);
  ASSERT_TRUE(reader);
  ASSERT_TRUE((*reader)->download(data() / "copy.txt"));
  EXPECT_EQ(std::filesystem::file_size(data() / "copy.txt"), 0u);
}

TEST_F(FilesTest, BytesAtHandGoInUnderTheNameTheyAreGiven) {
  auto client = connect();
  auto ref = client->upload_bytes("hello", {.name = "a.txt"});
  ASSERT_TRUE(ref) << ref.error().message;
  EXPECT_EQ(memory.with([&](Memory& m) { return m.artifacts[ref->sha256]; }),
            "hello");
  EXPECT_EQ(client->upload_bytes("hello", {}).error().code,
            Errc::invalid_argument);
}

TEST_F(FilesTest, WhatIsThereIsNotSentAgain) {
  auto client = connect();
  const auto path = write("a.bin", noise(100'000));
  ASSERT_TRUE(client->upload(path));
  ASSERT_TRUE(client->upload(path));
  EXPECT_EQ(memory.with([](Memory& m) { return m.uploaded_bytes; }), 100'000u);
}

TEST_F(FilesTest, AnUploadGoesOnWhereACutLeftIt) {
  const auto bytes = noise(12 * kMaxChunkBytes);
  memory.with([&](Memory& m) { m.upload_stop_bytes = 4 * kMaxChunkBytes; });
  auto client = connect();
  auto upload = std::async(std::launch::async, [&] {
    return client->upload(write("big.bin", bytes));
  });
  ASSERT_TRUE(eventually([&] {
    return memory.with([](Memory& m) { return m.chunks_unanswered > 0; });
  }));
  stop_node();
  memory.with([](Memory& m) { m.upload_stop_bytes = ~0ull; });
  start_node();
  auto ref = upload.get();
  ASSERT_TRUE(ref) << ref.error().message;
  EXPECT_TRUE(memory.with([&](Memory& m) {
    return m.artifacts[ref->sha256];
  }) == bytes);
  EXPECT_EQ(memory.with([](Memory& m) { return m.uploaded_bytes; }),
            bytes.size());
  EXPECT_EQ(memory.with([](Memory& m) { return m.upload_offsets.back(); }),
            4 * kMaxChunkBytes);
}

TEST_F(FilesTest, AnUploadIsBegunAgainAtAHeadThatStartedBetweenTwoChunks) {
  const auto bytes = noise(12 * kMaxChunkBytes);
  auto client = connect();
  bool restarted = false;
  UploadOptions options;
  options.progress = [&](std::uint64_t sent, std::uint64_t) {
    if (sent == 0 || restarted) return;
    restarted = true;
    // All that is under way has its answer: the next chunk meets a new head.
    EXPECT_TRUE(
        eventually([&] { return client->stats().frames_received >= 5; }));
    stop_node();
    start_node();
  };
  auto ref = client->upload(write("big.bin", bytes), options);
  ASSERT_TRUE(ref) << ref.error().message;
  EXPECT_TRUE(memory.with([&](Memory& m) {
    return m.artifacts[ref->sha256];
  }) == bytes);
  EXPECT_GE(memory.with([](Memory& m) { return m.upload_offsets.size(); }), 2u);
}

TEST_F(FilesTest, AnUploadThatStandsStillTimesOutAndIsResumedByTheNextCall) {
  const auto bytes = noise(8 * kMaxChunkBytes);
  const auto path = write("big.bin", bytes);
  memory.with([&](Memory& m) { m.upload_stop_bytes = 4 * kMaxChunkBytes; });
  auto client = connect();
  auto stopped = client->upload(path, {.stall_timeout_ms = 300});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::timeout);
  memory.with([](Memory& m) { m.upload_stop_bytes = ~0ull; });
  ASSERT_TRUE(client->upload(path));
  EXPECT_EQ(memory.with([](Memory& m) { return m.uploaded_bytes; }),
            bytes.size());
}

TEST_F(FilesTest, AFileThatChangesWhileItIsReadIsRefused) {
  const auto path = write("a.bin", noise(20 * kMaxChunkBytes));
  auto client = connect();
  UploadOptions spoil;  // Its hash was taken before the first chunk.
  spoil.progress = [&](std::uint64_t, std::uint64_t) {
    std::fstream file{path, std::ios::binary | std::ios::in | std::ios::out};
    file.seekp(19 * kMaxChunkBytes) << std::string(100, 'x');
  };
  auto ref = client->upload(path, spoil);
  ASSERT_FALSE(ref);
  EXPECT_EQ(ref.error().code, Errc::corrupt);
}

TEST_F(FilesTest, AFileThatIsNotThereIsNotFound) {
  auto client = connect();
  auto ref = client->upload(data() / "nothing.bin");
  ASSERT_FALSE(ref);
  EXPECT_EQ(ref.error().code, Errc::not_found);
  auto reader = client->open(std::string(64, '0'));
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Errc::not_found);
}

TEST_F(FilesTest, ReadsFromTheMiddleAndNothingBeyondTheEnd) {
  const auto bytes = noise(2 * kMaxChunkBytes);
  store(bytes);
  auto client = connect();
  auto reader = client->open(platform::sha256_hex(bytes));
  ASSERT_TRUE(reader);
  const std::uint64_t at = kMaxChunkBytes - 5;
  EXPECT_TRUE(*(*reader)->read(at, 10) == bytes.substr(at, 10));
  EXPECT_TRUE(*(*reader)->read(3, kMaxChunkBytes + 9) ==
              bytes.substr(3, kMaxChunkBytes + 9));
  EXPECT_EQ((*reader)->read(bytes.size() - 2, 10)->size(), 2u);
  EXPECT_EQ((*reader)->read(bytes.size(), 10)->size(), 0u);
  EXPECT_EQ((*reader)->read(bytes.size() + 99, 10)->size(), 0u);
}

TEST_F(FilesTest, ADownloadGoesOnFromWhatIsThere) {
  const auto bytes = noise(5 * kMaxChunkBytes);
  store(bytes);
  write("copy.bin.part", bytes.substr(0, 2 * kMaxChunkBytes + 1));
  auto client = connect();
  auto reader = client->open(platform::sha256_hex(bytes));
  ASSERT_TRUE(reader);
  std::optional<std::uint64_t> first;
  DownloadOptions options;
  options.progress = [&](std::uint64_t done, std::uint64_t) {
    if (!first) first = done;
  };
  ASSERT_TRUE((*reader)->download(data() / "copy.bin", options));
  EXPECT_EQ(first, 2 * kMaxChunkBytes + 1);
  EXPECT_TRUE(read(data() / "copy.bin") == bytes);
}

TEST_F(FilesTest, ADownloadWithTheWrongHashLeavesNothingBehind) {
  const auto bytes = noise(2 * kMaxChunkBytes);
  store(bytes);
  memory.with([&](Memory& m) { m.spoil_downloads = true; });
  auto client = connect();
  auto reader = client->open(platform::sha256_hex(bytes));
  ASSERT_TRUE(reader);
  auto done = (*reader)->download(data() / "copy.bin");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::corrupt);
  EXPECT_FALSE(std::filesystem::exists(data() / "copy.bin"));
  EXPECT_FALSE(std::filesystem::exists(data() / "copy.bin.part"));
}

TEST_F(FilesTest, ADownloadBeginsAnewWhereThePartIsOfAnotherFile) {
  const auto bytes = noise(2 * kMaxChunkBytes);
  store(bytes);
  write("copy.bin.part", "something else");
  auto client = connect();
  auto reader = client->open(platform::sha256_hex(bytes));
  ASSERT_TRUE(reader);
  auto done = (*reader)->download(data() / "copy.bin");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(read(data() / "copy.bin") == bytes);
}

TEST_F(FilesTest, AStreamGivesEveryByteInOrder) {
  const auto bytes = noise(6 * kMaxChunkBytes + 1);
  store(bytes);
  auto client = connect();
  auto reader = client->open(platform::sha256_hex(bytes));
  ASSERT_TRUE(reader);
  std::string taken;
  auto done = (*reader)->stream([&](std::string_view more) {
    taken += more;
    return ok();
  });
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(taken == bytes);
}

TEST_F(FilesTest, AStreamEndsWithTheErrorOfItsSink) {
  const auto bytes = noise(2 * kMaxChunkBytes);
  store(bytes);
  auto client = connect();
  auto reader = client->open(platform::sha256_hex(bytes));
  ASSERT_TRUE(reader);
  auto done = (*reader)->stream([](std::string_view) -> Status {
    return Error{Errc::disk_full, "no more"};
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::disk_full);
}

TEST_F(FilesTest, AStreamOfOtherBytesIsCorruptAtItsEnd) {
  const auto bytes = noise(2 * kMaxChunkBytes);
  store(bytes);
  memory.with([&](Memory& m) { m.spoil_downloads = true; });
  auto client = connect();
  auto reader = client->open(platform::sha256_hex(bytes));
  ASSERT_TRUE(reader);
  auto done = (*reader)->stream([](std::string_view) { return ok(); });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::corrupt);
}

TEST_F(FilesTest, ADownloadSurvivesARestart) {
  const auto bytes = noise(40 * kMaxChunkBytes);
  store(bytes);
  auto client = connect();
  auto reader = client->open(platform::sha256_hex(bytes));
  ASSERT_TRUE(reader);
  bool restarted = false;
  DownloadOptions options;
  options.progress = [&](std::uint64_t done, std::uint64_t) {
    if (done > 0 && !std::exchange(restarted, true)) restart_node();
  };
  auto done = (*reader)->download(data() / "copy.bin", options);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(restarted);
  EXPECT_TRUE(read(data() / "copy.bin") == bytes);
}

TEST_F(FilesTest, TwoHundredMegabytesGoInAndOut) {
  const auto bytes = noise(200u << 20);
  auto client = connect();
  auto ref = client->upload(write("film.mp4", bytes));
  ASSERT_TRUE(ref) << ref.error().message;
  auto reader = client->open(ref->sha256);
  ASSERT_TRUE(reader);
  ASSERT_TRUE((*reader)->download(data() / "copy.mp4"));
  EXPECT_TRUE(read(data() / "copy.mp4") == bytes);
}

TEST(MediaType, GoesByTheEndingInAnyCase) {
  EXPECT_EQ(media_type_of("a/b/FILM.MP4"), "video/mp4");
  EXPECT_EQ(media_type_of("x.tar.unknown"), "application/octet-stream");
  EXPECT_EQ(media_type_of("noending"), "application/octet-stream");
}

}  // namespace
}  // namespace troupe::client
