#include "persistence/artifact_store.hpp"

#include <fstream>
#include <set>

#include "platform/sha256.hpp"
#include "tests/persistence/store_fixture.hpp"

namespace troupe {
namespace {

class ArtifactStoreTest : public testing::Test {
 protected:
  ArtifactStoreTest() { reopen(); }
  void reopen() {
    auto opened = ArtifactStore::open(dir.path() / "a", options);
    ASSERT_TRUE(opened) << opened.error().message;
    store.emplace(*std::move(opened));
  }
  std::string put(std::string_view bytes) {
    const auto ref = store->put_bytes(bytes);
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
  static UnixMs later(const ArtifactOptions& options) {
    return system_wall_clock().now() + options.expiry_ms + 10'000;
  }

  ScratchDir dir;
  ArtifactOptions options{.low_water_bytes = 0};
  std::optional<ArtifactStore> store;
};

TEST_F(ArtifactStoreTest, NamesAFileByItsContentAndGivesItBack) {
  const auto sha256 = put("some bytes of a film");
  EXPECT_EQ(sha256, platform::sha256_hex("some bytes of a film"));
  EXPECT_EQ(content(sha256), "some bytes of a film");
  EXPECT_EQ(*store->size(sha256), 20u);
  EXPECT_TRUE(store->verify(sha256));
  EXPECT_EQ(put("some bytes of a film"), sha256);
  reopen();
  EXPECT_EQ(content(sha256), "some bytes of a film");
}

TEST_F(ArtifactStoreTest, TakesAFileInAndLeavesTheOriginal) {
  const auto path = dir.path() / "film";
  std::ofstream{path} << "frames";
  const auto ref = store->put_file(path);
  ASSERT_TRUE(ref) << ref.error().message;
  EXPECT_EQ(ref->bytes, 6u);
  EXPECT_EQ(content(ref->sha256), "frames");
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(store->put_file(dir.path() / "none").error().code, Errc::not_found);
}

TEST_F(ArtifactStoreTest, ResumesAnUploadWhereItStopped) {
  const std::string bytes(1000, 'u');
  const auto sha256 = platform::sha256_hex(bytes);
  ASSERT_EQ(store->begin({sha256, 1000, ""})->offset, 0u);
  ASSERT_EQ(store->write({sha256, 0, bytes.substr(0, 300)})->offset, 300u);
  reopen();
  const auto state = store->begin({sha256, 1000, ""});
  ASSERT_TRUE(state);
  EXPECT_EQ(state->offset, 300u);
  EXPECT_FALSE(state->complete);
  EXPECT_EQ(store->write({sha256, 0, "x"}).error().code, Errc::stale);
  EXPECT_FALSE(store->contains(sha256));
  const auto done = store->write({sha256, 300, bytes.substr(300)});
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
  EXPECT_EQ(*store->size(sha256), 0u);
}

TEST_F(ArtifactStoreTest, RefusesAnUploadWhoseBytesAreOthers) {
  const auto sha256 = platform::sha256_hex("good");
  ASSERT_TRUE(store->begin({sha256, 4, ""}));
  EXPECT_EQ(store->write({sha256, 0, "evil"}).error().code, Errc::corrupt);
  EXPECT_FALSE(store->contains(sha256));
  EXPECT_EQ(store->begin({sha256, 4, ""})->offset, 0u);
  EXPECT_EQ(store->write({sha256, 0, "good!"}).error().code, Errc::too_large);
  EXPECT_TRUE(store->write({sha256, 0, "good"})->complete);
}

TEST_F(ArtifactStoreTest, RefusesNamesThatAreNoHash) {
  for (const std::string name :
       {"", "../../etc/passwd", "ABC", std::string(64, 'G').c_str()}) {
    EXPECT_EQ(store->read({name, 0, 1}).error().code, Errc::invalid_argument);
    EXPECT_EQ(store->begin({name, 1, ""}).error().code, Errc::invalid_argument);
    EXPECT_FALSE(store->remove(name));
  }
  EXPECT_EQ(store->read({std::string(64, '0'), 0, 1}).error().code,
            Errc::not_found);
}

TEST_F(ArtifactStoreTest, RefusesWhatIsOverItsLimit) {
  options.max_bytes = 4;
  reopen();
  EXPECT_TRUE(store->put_bytes("four"));
  EXPECT_EQ(store->put_bytes("fives").error().code, Errc::too_large);
  EXPECT_EQ(store->begin({std::string(64, '0'), 5, ""}).error().code,
            Errc::too_large);
}

TEST_F(ArtifactStoreTest, RefusesNewBytesBelowTheLowWaterMark) {
  const auto here = put("early");
  std::uint64_t free = 10;
  options.low_water_bytes = 100;
  options.free_bytes = [&] { return free; };
  reopen();
  EXPECT_EQ(store->put_bytes("late").error().code, Errc::disk_full);
  EXPECT_EQ(content(here), "early");
  free = 100;
  EXPECT_TRUE(store->put_bytes("late"));
}

TEST_F(ArtifactStoreTest, SweepsOldFilesThatNobodyRefersTo) {
  const auto wanted = put("wanted");
  const auto unwanted = put("unwanted");
  const auto upload = platform::sha256_hex("never finished");
  ASSERT_TRUE(store->begin({upload, 14, ""}));
  const auto referred = [&](const std::string& sha256) -> Result<bool> {
    return sha256 == wanted;
  };
  EXPECT_EQ(*store->sweep(system_wall_clock().now(), referred), 0u);
  EXPECT_TRUE(store->contains(unwanted));
  EXPECT_EQ(*store->sweep(later(options), referred), 3u);
  EXPECT_TRUE(store->contains(wanted));
  EXPECT_FALSE(store->contains(unwanted));
  EXPECT_EQ(store->write({upload, 0, "x"}).error().code, Errc::not_found);
}

TEST_F(ArtifactStoreTest, FindsDamagedBytes) {
  const auto sha256 = put("sound");
  std::ofstream{*store->path(sha256)} << "silly";
  EXPECT_EQ(store->verify(sha256).error().code, Errc::corrupt);
}

TEST_F(ArtifactStoreTest, LeavesNothingOfAFileWhoseWriteFailed) {
  for (const std::string_view failing : {"write", "sync", "rename"}) {
    options.before = [&](std::string_view step) -> Status {
      if (step == failing) return Error{Errc::io_error, "injected"};
      return ok();
    };
    reopen();
    EXPECT_EQ(store->put_bytes("half").error().code, Errc::io_error);
    EXPECT_FALSE(store->contains(platform::sha256_hex("half")));
    EXPECT_TRUE(std::filesystem::is_empty(dir.path() / "a" / "new"));
  }
}

TEST_F(ArtifactStoreTest, BacksUpEveryFile) {
  const auto sha256 = put("kept");
  ASSERT_TRUE(store->backup(dir.path() / "b"));
  ASSERT_TRUE(store->backup(dir.path() / "b"));
  ASSERT_TRUE(store->remove(sha256));
  const auto copy = ArtifactStore::open(dir.path() / "b", options);
  ASSERT_TRUE(copy);
  EXPECT_TRUE(copy->verify(sha256));
}

}  // namespace
}  // namespace troupe
