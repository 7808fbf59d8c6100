#include "persistence/artifact_store.hpp"

#include <chrono>
#include <fstream>
#include <future>

#include "platform/sha256.hpp"
#include "tests/persistence/store_fixture.hpp"

namespace troupe {
namespace {

class ArtifactStoreTest : public testing::Test {
 protected:
  ArtifactStoreTest() { reopen(); }
  void reopen() {
    store.reset();
    auto opened = ArtifactStore::open(dir.path() / "a", options);
    ASSERT_TRUE(opened) << opened.error().message;
    store = *std::move(opened);
  }
  Result<ArtifactRef> save(const std::string& bytes) {
    const auto path = dir.path() / "original";
    std::ofstream{path, std::ios::binary} << bytes;
    return store->save(path, "film.mp4", "video/mp4");
  }
  std::string put(const std::string& bytes) {
    const auto ref = save(bytes);
    EXPECT_TRUE(ref) << ref.error().message;
    return ref ? ref->sha256 : "";
  }
  std::string content(const std::string& sha256) {
    std::string out;
    while (true) {
      const auto chunk = store->read({sha256, out.size(), 7});
      EXPECT_TRUE(chunk) << chunk.error().message;
      if (!chunk || chunk->bytes.empty()) return out;
      out += chunk->bytes;
    }
  }
  std::filesystem::path object(const std::string& sha256) const {
    return dir.path() / "a" / "objects" / sha256.substr(0, 2) / sha256;
  }
  void flip(const std::string& sha256) {
    std::fstream file{object(sha256),
                      std::ios::binary | std::ios::in | std::ios::out};
    const auto first = static_cast<char>(file.get());
    file.seekp(0);
    file.put(static_cast<char>(first ^ 1));
  }
  void truncate(const std::string& sha256) {
    std::filesystem::resize_file(
        object(sha256), std::filesystem::file_size(object(sha256)) / 2);
  }
  static UnixMs later() { return system_wall_clock().now() + 70'000; }

  ScratchDir dir;
  ArtifactOptions options;
  std::unique_ptr<ArtifactStore> store;
};

const ArtifactStore::Referred kNobody = [](const std::string&) -> Result<bool> {
  return false;
};

TEST_F(ArtifactStoreTest, NamesAFileByItsContentAndGivesItBack) {
  const auto ref = save("some bytes of a film");
  ASSERT_TRUE(ref) << ref.error().message;
  EXPECT_EQ(ref->sha256, platform::sha256_hex("some bytes of a film"));
  EXPECT_EQ(ref->bytes, 20u);
  EXPECT_EQ(ref->name, "film.mp4");
  EXPECT_EQ(content(ref->sha256), "some bytes of a film");
  EXPECT_EQ(put("some bytes of a film"), ref->sha256);
  EXPECT_TRUE(std::filesystem::exists(dir.path() / "original"));
  reopen();
  EXPECT_EQ(content(ref->sha256), "some bytes of a film");
}

TEST_F(ArtifactStoreTest, HandsOutACopyThatCannotChangeTheArtifact) {
  const auto sha256 = put("sound");
  const auto copy = dir.path() / "copy";
  ASSERT_TRUE(store->fetch(sha256, copy));
  std::ofstream{copy} << "silly";
  EXPECT_EQ(content(sha256), "sound");
  EXPECT_EQ(store->fetch(std::string(64, '0'), dir.path() / "x").error().code,
            Errc::not_found);
}

TEST_F(ArtifactStoreTest, HandsOutNoCopyOfADamagedArtifact) {
  const auto flipped = put("flipped");
  const auto truncated = put("truncated");
  flip(flipped);
  truncate(truncated);
  for (const auto& sha256 : {flipped, truncated}) {
    const auto copy = dir.path() / "copy";
    const auto fetched = store->fetch(sha256, copy);
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().code, Errc::corrupt);
    EXPECT_NE(fetched.error().message.find("troupe artifacts put"),
              std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(copy));
  }
}

TEST_F(ArtifactStoreTest, AnUploadMendsADamagedArtifact) {
  flip(put("flipped"));
  truncate(put("truncated"));
  for (const std::string& bytes :
       {std::string{"flipped"}, std::string{"truncated"}}) {
    const auto sha256 = platform::sha256_hex(bytes);
    const auto state = store->begin({sha256, bytes.size(), ""});
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_FALSE(state->complete);
    EXPECT_EQ(state->offset, 0u);
    EXPECT_FALSE(store->has(sha256));
    const auto done = store->append({sha256, 0, bytes});
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_TRUE(done->complete);
    EXPECT_EQ(content(sha256), bytes);
    EXPECT_TRUE(store->fetch(sha256, dir.path() / bytes));
  }
}

TEST_F(ArtifactStoreTest, SavingTheSameBytesMendsADamagedArtifact) {
  flip(put("flipped"));
  truncate(put("truncated"));
  for (const std::string& bytes :
       {std::string{"flipped"}, std::string{"truncated"}}) {
    const auto sha256 = put(bytes);
    EXPECT_EQ(content(sha256), bytes);
    EXPECT_TRUE(store->fetch(sha256, dir.path() / bytes));
  }
}

TEST_F(ArtifactStoreTest, ResumesAnUploadWhereItStopped) {
  const std::string bytes(1000, 'u');
  const auto sha256 = platform::sha256_hex(bytes);
  ASSERT_EQ(store->begin({sha256, 1000, ""})->offset, 0u);
  ASSERT_EQ(store->append({sha256, 0, bytes.substr(0, 300)})->offset, 300u);
  reopen();
  EXPECT_EQ(store->append({sha256, 300, "x"}).error().code, Errc::not_found);
  const auto state = store->begin({sha256, 1000, ""});
  ASSERT_TRUE(state);
  EXPECT_EQ(state->offset, 300u);
  EXPECT_FALSE(state->complete);
  EXPECT_EQ(store->append({sha256, 0, "x"}).error().code, Errc::stale);
  EXPECT_FALSE(store->has(sha256));
  const auto done = store->append({sha256, 300, bytes.substr(300)});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->complete);
  EXPECT_EQ(content(sha256), bytes);
  EXPECT_TRUE(store->begin({sha256, 1000, ""})->complete);
}

TEST_F(ArtifactStoreTest, TakesAnEmptyFile) {
  const auto sha256 = platform::sha256_hex("");
  const auto state = store->begin({sha256, 0, ""});
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_TRUE(state->complete);
  EXPECT_EQ(content(sha256), "");
}

TEST_F(ArtifactStoreTest, RefusesAnUploadWhoseBytesAreOthers) {
  const auto sha256 = platform::sha256_hex("good");
  ASSERT_TRUE(store->begin({sha256, 4, ""}));
  EXPECT_EQ(store->append({sha256, 0, "evil"}).error().code, Errc::corrupt);
  EXPECT_FALSE(store->has(sha256));
  EXPECT_EQ(store->begin({sha256, 4, ""})->offset, 0u);
  EXPECT_EQ(store->append({sha256, 0, "good!"}).error().code, Errc::too_large);
  EXPECT_TRUE(store->append({sha256, 0, "good"})->complete);
}

TEST_F(ArtifactStoreTest, RefusesNamesThatAreNoHash) {
  for (const std::string& name :
       {std::string{}, std::string{"../../etc/passwd"}, std::string{"ABC"},
        std::string(64, 'G')}) {
    EXPECT_FALSE(store->read({name, 0, 1}));
    EXPECT_EQ(store->begin({name, 1, ""}).error().code, Errc::invalid_argument);
    EXPECT_FALSE(store->append({name, 0, "x"}));
  }
  EXPECT_EQ(store->read({std::string(64, '0'), 0, 1}).error().code,
            Errc::not_found);
}

TEST_F(ArtifactStoreTest, RefusesWhatIsOverItsLimitAndTakesWhatIsAtIt) {
  options.max_bytes = 4;
  reopen();
  EXPECT_TRUE(save("four"));
  EXPECT_EQ(save("fives").error().code, Errc::too_large);
  EXPECT_EQ(store->begin({std::string(64, '0'), 5, ""}).error().code,
            Errc::too_large);
}

TEST_F(ArtifactStoreTest, UploadsStopAtTheLowWaterMarkAndJobsDoNot) {
  std::uint64_t free = 1'010;
  options.low_water_bytes = 1'000;
  options.free_bytes = [&free] { return free; };
  reopen();
  const std::string bytes(10, 'x');
  const auto hash = platform::sha256_hex(bytes);
  free = 1'009;
  EXPECT_EQ(store->begin({hash, 10, ""}).error().code, Errc::disk_full);
  free = 1'010;
  ASSERT_TRUE(store->begin({hash, 10, ""}));
  free = 1'003;
  EXPECT_EQ(store->append({hash, 0, bytes.substr(0, 4)}).error().code,
            Errc::disk_full);
  ASSERT_TRUE(store->append({hash, 0, bytes.substr(0, 3)}));
  EXPECT_TRUE(save("made by a job"));
  free = 1'007;
  const auto again = store->begin({hash, 10, ""});
  ASSERT_TRUE(again) << "what is here needs no room";
  EXPECT_EQ(again->offset, 3u);
  const auto done = store->append({hash, 3, bytes.substr(3)});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->complete);
}

TEST_F(ArtifactStoreTest, KeepsWhatIsReferredToOrJustUploaded) {
  const auto wanted = put("wanted");
  const auto uploaded = platform::sha256_hex("up");
  ASSERT_TRUE(store->begin({uploaded, 2, ""}));
  ASSERT_TRUE(store->append({uploaded, 0, "up"})->complete);
  const ArtifactStore::Referred referred =
      [&](const std::string& sha256) -> Result<bool> {
    return sha256 == wanted;
  };
  EXPECT_FALSE(*store->remove(wanted, referred));
  EXPECT_FALSE(*store->remove(uploaded, referred));
  ASSERT_TRUE(store->expire_uploads(later(), 60'000, referred));
  EXPECT_TRUE(store->has(wanted));
  EXPECT_FALSE(store->has(uploaded));
}

TEST_F(ArtifactStoreTest, ExpiresOldUploadsAndFilesThatNobodyNames) {
  const auto left = put("of a lost attempt");
  const auto upload = platform::sha256_hex("never finished");
  ASSERT_TRUE(store->begin({upload, 14, ""}));
  ASSERT_TRUE(
      store->expire_uploads(system_wall_clock().now(), 60'000, kNobody));
  EXPECT_TRUE(store->has(left));
  EXPECT_TRUE(store->append({upload, 0, "never"}));
  ASSERT_TRUE(store->expire_uploads(later(), 60'000, kNobody));
  EXPECT_FALSE(store->has(left));
  EXPECT_EQ(store->append({upload, 5, " fin"}).error().code, Errc::not_found);
}

TEST_F(ArtifactStoreTest, WhatAJobSavedStaysUntilItsEndNamesIt) {
  const auto ref = save("film");
  ASSERT_TRUE(ref) << ref.error().message;
  const auto& sha256 = ref->sha256;
  EXPECT_FALSE(*store->remove(sha256, kNobody));
  ASSERT_TRUE(save("film")) << "by another job";
  store->named({&sha256, 1});
  EXPECT_FALSE(*store->remove(sha256, kNobody)) << "the other may name it yet";
  store->named({&sha256, 1});
  EXPECT_TRUE(*store->remove(sha256, kNobody));
  EXPECT_FALSE(store->has(sha256));
}

TEST_F(ArtifactStoreTest, AnOldFileThatIsSavedAgainStays) {
  const auto sha256 = put("film");
  reopen();
  std::filesystem::last_write_time(
      object(sha256),
      std::filesystem::file_time_type::clock::now() - std::chrono::hours{48});
  EXPECT_EQ(put("film"), sha256);
  const auto now = system_wall_clock().now();
  ASSERT_TRUE(store->expire_uploads(now, 60'000, kNobody));
  EXPECT_TRUE(store->has(sha256));
  ASSERT_TRUE(store->expire_uploads(later(), 60'000, kNobody));
  EXPECT_FALSE(store->has(sha256)) << "its job's end never came";
}

TEST_F(ArtifactStoreTest, AFileThatIsSavedWhileItIsRemovedIsThereAfterwards) {
  const auto sha256 = put("film");
  reopen();  // Nothing keeps it.
  std::future<std::string> saved;
  const auto removed =
      store->remove(sha256, [&](const std::string&) -> Result<bool> {
        saved = std::async(std::launch::async, [&] { return put("film"); });
        // As far as it comes while the removal is decided.
        saved.wait_for(std::chrono::milliseconds{100});
        return false;
      });
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(saved.get(), sha256);
  EXPECT_EQ(content(sha256), "film");
}

TEST_F(ArtifactStoreTest, BacksUpEveryFileOnceMore) {
  const auto sha256 = put("kept");
  ASSERT_TRUE(store->backup(dir.path() / "b"));
  ASSERT_TRUE(store->backup(dir.path() / "b"));
  reopen();  // Nothing keeps it.
  EXPECT_TRUE(*store->remove(sha256, kNobody));
  store = *ArtifactStore::open(dir.path() / "b", options);
  EXPECT_EQ(content(sha256), "kept");
}

}  // namespace
}  // namespace troupe
