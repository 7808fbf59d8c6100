// Weights packed ahead: loads take them where they belong to the folder, byte
// for byte what they would pack themselves, and take nothing else.
#include "models/qwen2/packed_weights.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "models/quantize.hpp"
#include "models/qwen2/weight_loader.hpp"
#include "tests/models/tiny_qwen2.hpp"
#include "tests/platform/cold_file.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using kernels::WeightFormat;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

struct Loaded {
  std::vector<std::byte> bytes;
  std::string remark;
  std::uint64_t read = 0;  // Of files.
};

class PackedWeightsTest : public ::testing::Test {
 protected:
  PackedWeightsTest() {
    fs::create_directories(source_.folder);
    tiny_.write(source_.folder);
  }
  Loaded load(const ModelSource& source, WeightFormat format,
              std::uint64_t step_bytes = kMaxLoadStepBytes) {
    auto loader = Qwen2WeightLoader::open(source, format, ctx_);
    EXPECT_TRUE(loader) << loader.error().message;
    if (!loader) return {};
    for (;;) {
      const auto progress = loader->step(step_bytes);
      EXPECT_TRUE(progress) << progress.error().message;
      if (!progress) return {};
      if (!progress->done()) continue;
      const auto remark = loader->remark();
      const auto weights = loader->take();
      const auto* data = weights.memory.data();
      return {
          {data, data + weights.memory.used()}, remark, progress->total_bytes};
    }
  }
  Loaded load(WeightFormat format) { return load(source_, format); }
  fs::path pack(WeightFormat format) {
    const auto packed = pack_qwen2(source_, format, ctx_, {});
    EXPECT_TRUE(packed) << packed.error().message;
    return packed ? *packed : fs::path{};
  }
  std::string why_unused(WeightFormat format) {
    for (const auto& copy : packed_copies(source_))
      if (copy.format == format) return copy.why_unused;
    return "there is none";
  }

  ThreadTeam team_{3};
  Context ctx_{.team = &team_};
  platform::TempDir models_;
  const ModelSource source_{models_ / "tiny", models_ / ".packed"};
  TinyQwen2 tiny_;
};

TEST_F(PackedWeightsTest, ThatAreDamagedArePackedAnewWhenAskedFor) {
  const auto path = pack(WeightFormat::int8);
  const auto fresh = load(WeightFormat::int8);
  {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(100);
    file.write("\x55\xaa\x55\xaa", 4);
  }
  ASSERT_FALSE(check_packed(source_));
  ASSERT_TRUE(quantize_model(source_, WeightFormat::int8, ctx_, {}));
  EXPECT_TRUE(check_packed(source_));
  const auto again = load(WeightFormat::int8);
  EXPECT_TRUE(again.bytes == fresh.bytes);
  EXPECT_THAT(again.remark, IsEmpty());
}

TEST_F(PackedWeightsTest, AreTheSameFromADiskAsFromTheCache) {
  for (const auto format : {WeightFormat::bf16, WeightFormat::int8}) {
    SCOPED_TRACE(to_string(format));
    const auto fresh = load(format);
    if (!platform::make_cold(source_.folder / "model.safetensors"))
      GTEST_SKIP() << "no way past the cache here";
    EXPECT_TRUE(load(format).bytes == fresh.bytes);
    ASSERT_TRUE(platform::make_cold(pack(format)));
    const auto packed = load(format);
    EXPECT_TRUE(packed.bytes == fresh.bytes);
    EXPECT_EQ(packed.read, packed.bytes.size()) << "of the packed file";
  }
}

TEST_F(PackedWeightsTest, AreTheBytesThatALoadWouldPack) {
  for (const auto format :
       {WeightFormat::bf16, WeightFormat::int8, WeightFormat::int4}) {
    const auto fresh = load(format);
    EXPECT_EQ(pack(format),
              source_.folder / (".packed-" + std::string(to_string(format))));
    const auto packed = load(format);
    EXPECT_TRUE(packed.bytes == fresh.bytes) << to_string(format);
    EXPECT_EQ(packed.read, packed.bytes.size()) << "of the packed file";
    EXPECT_NE(fresh.read, fresh.bytes.size()) << "of the folder";
    EXPECT_EQ(packed.remark, "");
  }
}

TEST_F(PackedWeightsTest, AreTheSameFromATeamAndFromOneThread) {
  const auto together = load(WeightFormat::int4);
  ctx_.team = nullptr;
  const auto alone = load(source_, WeightFormat::int4, 1'000);
  EXPECT_TRUE(together.bytes == alone.bytes);
}

TEST_F(PackedWeightsTest, OfATiedHeadThatIsStoredAreComparedFirst) {
  tiny_.tensors["lm_head.weight"] =
      tiny_.tensors.at("model.embed_tokens.weight");
  tiny_.write(source_.folder);
  const auto fresh = load(WeightFormat::int8);
  pack(WeightFormat::int8);
  EXPECT_TRUE(load(WeightFormat::int8).bytes == fresh.bytes);
  tiny_.tensors["lm_head.weight"].values.back() += 1;
  tiny_.write(source_.folder);
  const auto packed = pack_qwen2(source_, WeightFormat::int8, ctx_, {});
  ASSERT_FALSE(packed);
  EXPECT_THAT(packed.error().message, HasSubstr("differs from the embedding"));
}

TEST_F(PackedWeightsTest, OfChangedWeightsAreNotTaken) {
  pack(WeightFormat::int8);
  tiny_.tensors["model.norm.weight"].values[0] += 1;
  tiny_.write(source_.folder);
  const auto loaded = load(WeightFormat::int8);
  EXPECT_THAT(loaded.remark, HasSubstr("was packed from other weights"));
  EXPECT_THAT(loaded.remark,
              HasSubstr("troupe models quantize tiny --dtype int8"));
  EXPECT_THAT(why_unused(WeightFormat::int8), HasSubstr("other weights"));
  pack(WeightFormat::int8);
  EXPECT_EQ(why_unused(WeightFormat::int8), "");
  EXPECT_TRUE(load(WeightFormat::int8).bytes == loaded.bytes);
}

TEST_F(PackedWeightsTest, OfOtherShapesAreNotTaken) {
  pack(WeightFormat::int8);
  auto config = *load_qwen2_config(source_.folder);
  const auto folder = WeightFolder::open(source_.folder);
  ASSERT_TRUE(find_packed(source_, config, *folder, WeightFormat::int8));
  config.heads = 2;
  const auto other = find_packed(source_, config, *folder, WeightFormat::int8);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::stale);
}

TEST_F(PackedWeightsTest, ThatAreCutAreNotTaken) {
  const auto fresh = load(WeightFormat::int8);
  const auto path = pack(WeightFormat::int8);
  fs::resize_file(path, fs::file_size(path) - 1);
  const auto loaded = load(WeightFormat::int8);
  EXPECT_THAT(loaded.remark, HasSubstr("is not a whole file"));
  EXPECT_TRUE(loaded.bytes == fresh.bytes);
}

TEST_F(PackedWeightsTest, WithAWrongByteAreLeftInTheMiddleOfALoad) {
  const auto fresh = load(WeightFormat::int8);
  const auto path = pack(WeightFormat::int8);
  std::fstream{path, std::ios::in | std::ios::out | std::ios::binary} << "x";
  EXPECT_EQ(why_unused(WeightFormat::int8), "") << "nobody has read it yet";
  const auto bad = check_packed(source_);
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, HasSubstr("troupe models quantize tiny"));
  const auto loaded = load(WeightFormat::int8);
  EXPECT_THAT(loaded.remark, HasSubstr("other bytes than were written"));
  EXPECT_TRUE(loaded.bytes == fresh.bytes);
}

TEST_F(PackedWeightsTest, OfSeveralBlocksAreReadAndLeftAsThoseOfOne) {
  tiny_.config["vocab_size"] = 80'000;
  tiny_.add("model.embed_tokens.weight", {80'000, 64});
  tiny_.write(source_.folder);
  const auto fresh = load(WeightFormat::int8);
  ASSERT_GT(fresh.bytes.size(), kPackedBlockBytes);
  const auto path = pack(WeightFormat::int8);
  const auto packed = load(source_, WeightFormat::int8, kPackedBlockBytes);
  EXPECT_EQ(packed.read, fresh.bytes.size());
  EXPECT_TRUE(packed.bytes == fresh.bytes);
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(static_cast<std::streamoff>(kPackedBlockBytes) + 100);
  file << "another text";
  file.close();
  // The first block was taken already.
  const auto left = load(source_, WeightFormat::int8, kPackedBlockBytes);
  EXPECT_THAT(left.remark, HasSubstr("block 1"));
  EXPECT_TRUE(left.bytes == fresh.bytes);
}

TEST_F(PackedWeightsTest, OfFoldersThatAreNotOursLieBesideTheModels) {
  const auto elsewhere = models_ / "elsewhere";
  fs::create_directories(elsewhere);
  fs::rename(source_.folder, elsewhere / "tiny");
  fs::create_directory_symlink(elsewhere / "tiny", source_.folder);
  const auto path = pack(WeightFormat::int8);
  EXPECT_EQ(path.parent_path(), models_ / ".packed");
  EXPECT_THAT(packed_beside(source_), ::testing::Contains(path));
  // By any of its names.
  const ModelSource by_path{elsewhere / "tiny", source_.packed};
  EXPECT_EQ(load(by_path, WeightFormat::int8).read,
            load(WeightFormat::int8).bytes.size());
  EXPECT_FALSE(fs::exists(elsewhere / "tiny" / ".packed-int8"));
  EXPECT_EQ(quantize_command(source_, WeightFormat::int8),
            "troupe models quantize tiny --dtype int8");
  EXPECT_THAT(quantize_command(by_path, WeightFormat::int4),
              HasSubstr((elsewhere / "tiny").string()));
}

TEST_F(PackedWeightsTest, OfFoldersThatAreGoneAreSweptByTheNext) {
  const auto elsewhere = models_ / "elsewhere";
  fs::create_directories(elsewhere);
  fs::copy(source_.folder, elsewhere / "other");
  const auto orphan = pack_qwen2({elsewhere / "other", source_.packed},
                                 WeightFormat::int8, ctx_, {});
  ASSERT_TRUE(orphan && fs::exists(*orphan));
  pack(WeightFormat::int4);
  EXPECT_TRUE(fs::exists(*orphan));
  fs::remove_all(elsewhere / "other");
  pack(WeightFormat::int4);
  EXPECT_FALSE(fs::exists(*orphan));
}

TEST_F(PackedWeightsTest, AreWholeOrNotThere) {
  const auto stopped = pack_qwen2(source_, WeightFormat::int8, ctx_,
                                  [](std::uint64_t) { return false; });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
  EXPECT_TRUE(fs::is_empty(source_.packed));
  EXPECT_THAT(packed_copies(source_), IsEmpty());
}

TEST_F(PackedWeightsTest, LeaveTheModelAsItWas) {
  const auto files = model_files(source_.folder);
  pack(WeightFormat::int8);
  EXPECT_EQ(model_files(source_.folder)->size(), files->size());
  KnownHashes none;
  const auto hash = model_hash(source_.folder, none, {});
  pack(WeightFormat::int4);
  KnownHashes anew;
  EXPECT_EQ(*model_hash(source_.folder, anew, {}), *hash);
}

TEST_F(PackedWeightsTest, ThatAreGoodAreNotMadeAgain) {
  const auto first = quantize_model(source_, WeightFormat::int8, ctx_, {});
  ASSERT_TRUE(first) << first.error().message;
  const auto written = std::filesystem::last_write_time(first->file);
  const auto again = quantize_model(source_, WeightFormat::int8, ctx_, {});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->file, first->file);
  EXPECT_EQ(std::filesystem::last_write_time(again->file), written);
  // Looking at it may take long, too.
  const auto stopped = quantize_model(source_, WeightFormat::int8, ctx_,
                                      [](std::uint64_t) { return false; });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
  EXPECT_FALSE(quantize_model(source_, WeightFormat::f32, ctx_, {}));
}

}  // namespace
}  // namespace troupe
