// Weights that were packed once are loaded by later programs: their bytes stay
// what they are, or their version is raised and old files are packed anew.
#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>
#include <vector>

#include "models/qwen2/packed_weights.hpp"
#include "models/weights/packed_file.hpp"
#include "platform/sha256.hpp"
#include "tests/models/golden.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using kernels::WeightFormat;
namespace fs = std::filesystem;

constexpr auto kRaise =
    "the packed weights have other bytes than those of this version: raise "
    "kPackedVersion (kernels/packed.hpp), so that files packed before are made "
    "anew, then put the new version and hashes into "
    "tests/golden/packed_layout.json";

/// What the version of `packed_layout.json` has, by what is packed.
Json golden_hashes() {
  const auto json = parse_json(read_text(kGoldenDir / "packed_layout.json"));
  EXPECT_TRUE(json);
  EXPECT_EQ(json->at("version"), kernels::kPackedVersion)
      << "put the hashes of the new version there, too";
  return json->at("sha256");
}

std::string hash_of(std::span<const std::byte> bytes) {
  return platform::sha256_hex(
      {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

struct alignas(64) Line {
  std::array<std::byte, 64> bytes;
};

// An odd number of inputs, a half block, a panel that is not full; whole
// numbers of an exact series over a power of two.
std::string layer_hash(WeightFormat format) {
  constexpr std::int64_t kOutputs = 37, kInputs = 101;
  std::vector<float> rows(kOutputs * kInputs);
  std::uint32_t state = 1;
  for (auto& value : rows) {
    state = state * 1'664'525 + 1'013'904'223;
    value = static_cast<float>(static_cast<int>(state >> 16) - 32'768) / 4096;
  }
  std::vector<Line> packed(kernels::packed_bytes(format, kOutputs, kInputs) /
                           sizeof(Line));
  kernels::pack_rows({packed.data(), format, kOutputs, kInputs}, 0, rows);
  return hash_of(std::as_bytes(std::span{packed}));
}

TEST(PackedLayout, OfALayerIsThatOfItsVersion) {
  const auto golden = golden_hashes();
  for (const auto format : {WeightFormat::f32, WeightFormat::bf16,
                            WeightFormat::int8, WeightFormat::int4}) {
    const auto what = "layer " + std::string(to_string(format));
    EXPECT_EQ(layer_hash(format), golden.value(what, ""))
        << what << ": " << kRaise;
  }
}

// Which tensor lies where, too.
std::string model_hash(const fs::path& folder, const fs::path& packed,
                       WeightFormat format) {
  const auto path = pack_qwen2({folder, packed}, format, {}, {});
  EXPECT_TRUE(path) << path.error().message;
  const auto file = path ? PackedFile::open(*path) : path.error();
  if (!file) return file.error().message;
  std::vector<std::byte> bytes(file->bytes());
  EXPECT_EQ(file->blocks(), 1u);
  EXPECT_TRUE(file->read(0, bytes));
  return hash_of(bytes);
}

TEST(PackedLayout, OfAModelIsThatOfItsVersion) {
  const auto golden = golden_hashes();
  for (const std::string model : {"gqa_tied", "mha_untied"})
    for (const auto format :
         {WeightFormat::bf16, WeightFormat::int8, WeightFormat::int4}) {
      const platform::TempDir dir;
      fs::create_directory(dir / "model");
      for (const auto* name : {"config.json", "model.safetensors"})
        fs::copy_file(kGoldenDir / "qwen2" / model / name,
                      dir / "model" / name);
      const auto what = model + " " + std::string(to_string(format));
      EXPECT_EQ(model_hash(dir / "model", dir / ".packed", format),
                golden.value(what, ""))
          << what << ": " << kRaise;
    }
}

TEST(PackedFileLayout, IsThatOfItsMark) {
  const auto golden = kGoldenDir / "packed_file.bin";
  const platform::TempDir dir;
  auto writer =
      PackedFileWriter::create(dir / "packed", dir.path(),
                               {.what = "bytes",
                                .folder = "/models/a",
                                .sources = {{"a.safetensors", {0, 1, 2, 3}}}});
  ASSERT_TRUE(writer);
  std::vector<std::byte> bytes;
  for (int i = 0; i < 300; ++i) bytes.push_back(static_cast<std::byte>(i));
  ASSERT_TRUE(writer->write(bytes));
  ASSERT_TRUE(writer->commit());
  EXPECT_TRUE(read_text(dir / "packed") == read_text(golden))
      << "files of packed weights are laid out anew: give them another mark "
         "(kMagic in models/weights/packed_file.cpp), then put the file that "
         "is written now in the place of "
      << golden;
  const auto old = PackedFile::open(golden);
  ASSERT_TRUE(old) << old.error().message;
  std::vector<std::byte> read(300);
  EXPECT_TRUE(old->read(0, read));
  EXPECT_TRUE(read == bytes);
}

}  // namespace
}  // namespace troupe
