#include "models/weights/weight_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cstring>

#include "kernels/numbers.hpp"
#include "tests/models/safetensors_file.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class WeightFolderTest : public ::testing::Test {
 protected:
  void add(const std::string& name, std::string_view bytes) {
    write_bytes(dir_ / name, bytes);
  }
  void add_index(const std::string& map) {
    add("model.safetensors.index.json", R"({"weight_map":{)" + map + "}}");
  }
  Error refusal() {
    auto folder = WeightFolder::open(dir_.path());
    return folder ? Error{Errc::internal, "opened"} : folder.error();
  }

  platform::TempDir dir_;
};

// One F32 tensor of one element, `value` its four bytes.
std::string scalar(const std::string& name, std::string_view value) {
  return safetensors(R"({")" + name +
                         R"(":{"dtype":"F32","shape":[1],)"
                         R"("data_offsets":[0,4]}})",
                     value);
}

constexpr std::string_view kOne{"\0\0\x80\x3f", 4};       // 1.0f
constexpr std::string_view kTwo{"\0\0\0\x40", 4};         // 2.0f
constexpr std::string_view kHalves{"\x80\x3f\0\x40", 4};  // BF16 1.0 and 2.0

TEST_F(WeightFolderTest, ReadsASingleFile) {
  add("model.safetensors", scalar("a", kTwo));
  const auto folder = WeightFolder::open(dir_.path());
  ASSERT_TRUE(folder) << folder.error().message;
  EXPECT_EQ(folder->total_bytes(), 4u);
  const auto a = folder->find("a");
  ASSERT_TRUE(a) << a.error().message;
  std::array<float, 1> out{};
  ASSERT_TRUE(a->file->read_f32(*a->tensor, 0, out));
  EXPECT_EQ(out[0], 2.0f);
}

TEST_F(WeightFolderTest, ReadsTheShardsOfAnIndex) {
  add("model-1.safetensors", scalar("a", kOne));
  add("model-2.safetensors", scalar("b", kTwo));
  add_index(R"("a":"model-1.safetensors","b":"model-2.safetensors")");
  const auto folder = WeightFolder::open(dir_.path());
  ASSERT_TRUE(folder) << folder.error().message;
  std::array<std::byte, 4> out{};
  const auto b = folder->find("b");
  ASSERT_TRUE(b);
  ASSERT_TRUE(b->file->read(*b->tensor, 0, out));
  EXPECT_EQ(std::memcmp(out.data(), kTwo.data(), 4), 0);
}

TEST_F(WeightFolderTest, WidensHalvesFromAnyElementOn) {
  add("model.safetensors",
      safetensors(R"({"h":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})",
                  kHalves));
  const auto folder = WeightFolder::open(dir_.path());
  ASSERT_TRUE(folder) << folder.error().message;
  const auto h = *folder->find("h");
  std::array<float, 2> both{};
  ASSERT_TRUE(h.file->read_f32(*h.tensor, 0, both));
  EXPECT_EQ(both, (std::array{1.0f, 2.0f}));
  std::array<float, 1> second{};
  ASSERT_TRUE(h.file->read_f32(*h.tensor, 1, second));
  EXPECT_EQ(second[0], 2.0f);
}

TEST_F(WeightFolderTest, ReadsMoreThanOneBlock) {
  std::string data(kReadBlockBytes + 300'002, '\0');
  for (std::size_t i = 0; i < data.size(); ++i)
    data[i] = static_cast<char>(i % 251 % 64);  // Finite as f16.
  const auto size = std::to_string(data.size());
  add("model.safetensors",
      safetensors(R"({"t":{"dtype":"F16","shape":[)" +
                      std::to_string(data.size() / 2) +
                      R"(],"data_offsets":[0,)" + size + "]}}",
                  data));
  const auto folder = WeightFolder::open(dir_.path());
  ASSERT_TRUE(folder) << folder.error().message;
  const auto t = *folder->find("t");
  std::string raw(data.size() - 3, '\0');
  ASSERT_TRUE(
      t.file->read(*t.tensor, 3, std::as_writable_bytes(std::span{raw})));
  EXPECT_TRUE(raw == data.substr(3));
  std::vector<float> wide(data.size() / 2);
  ASSERT_TRUE(t.file->read_f32(*t.tensor, 0, wide));
  std::vector<std::uint16_t> halves(wide.size());
  f32_to_f16(wide, halves);
  EXPECT_EQ(std::memcmp(halves.data(), data.data(), data.size()), 0);
}

TEST_F(WeightFolderTest, NamesTheNearestOfAMissingTensor) {
  add("model.safetensors", scalar("model.norm.weight", kOne));
  const auto folder = WeightFolder::open(dir_.path());
  ASSERT_TRUE(folder);
  const auto missing = folder->find("model.norm.weigth");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_THAT(missing.error().message,
              AllOf(HasSubstr("tensor 'model.norm.weigth' is missing"),
                    HasSubstr("did you mean 'model.norm.weight'")));
}

TEST_F(WeightFolderTest, RefusesIntegersAsWeights) {
  add("model.safetensors",
      safetensors(R"({"i":{"dtype":"I8","shape":[4],"data_offsets":[0,4]}})",
                  kOne));
  const auto folder = WeightFolder::open(dir_.path());
  ASSERT_TRUE(folder) << folder.error().message;
  const auto i = *folder->find("i");
  std::array<float, 4> out{};
  const auto read = i.file->read_f32(*i.tensor, 0, out);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::unsupported);
  EXPECT_THAT(read.error().message, HasSubstr("tensor 'i' is I8"));
}

TEST_F(WeightFolderTest, TellsOfAFileCutAfterItWasOpened) {
  add("model.safetensors", scalar("a", kOne));
  const auto folder = WeightFolder::open(dir_.path());
  ASSERT_TRUE(folder);
  const auto path = dir_ / "model.safetensors";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  std::array<float, 1> out{};
  const auto a = *folder->find("a");
  const auto read = a.file->read_f32(*a.tensor, 0, out);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::corrupt);
  EXPECT_THAT(read.error().message,
              AllOf(HasSubstr("model.safetensors: tensor 'a'"),
                    HasSubstr("became shorter since it was opened")));
}

TEST_F(WeightFolderTest, RefusesEveryLengthThatACutFileCanHave) {
  const auto whole = scalar("a", kOne);
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    add("model.safetensors", whole.substr(0, bytes));
    const auto error = refusal();
    EXPECT_EQ(error.code, Errc::corrupt) << bytes;
    EXPECT_THAT(error.message, HasSubstr("seems cut off: fetch it again"));
  }
}

TEST_F(WeightFolderTest, RefusesPicklesByNameAndByContent) {
  add("pytorch_model.bin", "PK");
  EXPECT_EQ(refusal().code, Errc::unsupported);
  EXPECT_THAT(refusal().message,
              AllOf(HasSubstr("pytorch_model.bin: is a pickle file"),
                    HasSubstr("troupe reads safetensors only")));
  add("model.safetensors", std::string_view{"PK\3\4\0\0\0\0\0\0", 10});
  EXPECT_THAT(refusal().message,
              HasSubstr("model.safetensors: is a pickle file"));
  for (const auto* name : {"a.pt", "a.pth", "a.ckpt", "a.pkl", "a.pickle"})
    EXPECT_FALSE(refuse_pickle(name)) << name;
  EXPECT_TRUE(refuse_pickle("a.safetensors"));
}

TEST_F(WeightFolderTest, TakesAHeaderWhoseLengthLooksLikeAPickle) {
  std::string header = "{}";
  header.resize(0x280, ' ');  // Its length's first bytes are 0x80, 0x02.
  add("model.safetensors", safetensors(header));
  const auto folder = WeightFolder::open(dir_.path());
  EXPECT_TRUE(folder) << folder.error().message;
  add("model.safetensors", "\x80\x02}q\x01(K\x01");
  EXPECT_THAT(refusal().message, HasSubstr("is a pickle file"));
}

TEST_F(WeightFolderTest, RefusesAFolderWithoutWeights) {
  EXPECT_EQ(refusal().code, Errc::not_found);
  EXPECT_THAT(refusal().message, HasSubstr("has neither model.safetensors"));
}

TEST_F(WeightFolderTest, NamesAMissingShard) {
  add("model-1.safetensors", scalar("a", kOne));
  add_index(R"("a":"model-1.safetensors","b":"model-2.safetensors")");
  EXPECT_EQ(refusal().code, Errc::not_found);
  EXPECT_THAT(refusal().message, AllOf(HasSubstr("model-2.safetensors"),
                                       HasSubstr("fetch it too")));
}

TEST_F(WeightFolderTest, NamesEveryShardThatCannotBeTaken) {
  add("model-1.safetensors", scalar("a", kOne).substr(0, 20));
  add("model-2.safetensors", scalar("b", kOne));
  add_index(R"("a":"model-1.safetensors","b":"model-2.safetensors",)"
            R"("c":"model-3.safetensors")");
  const auto faults = refusal().faults;
  ASSERT_EQ(faults.size(), 2u) << refusal().message;
  EXPECT_THAT(faults[0].message, HasSubstr("model-1.safetensors"));
  EXPECT_THAT(faults[1].message, AllOf(HasSubstr("model-3.safetensors"),
                                       HasSubstr("fetch it too")));
}

TEST_F(WeightFolderTest, RefusesAnIndexThatDisagreesWithItsShards) {
  add("model-1.safetensors", scalar("a", kOne));
  add("model-2.safetensors", scalar("b", kOne));
  add_index(R"("a":"model-2.safetensors","b":"model-2.safetensors")");
  EXPECT_THAT(refusal().message,
              HasSubstr("model-2.safetensors: tensor 'a' is not there"));
  add_index(R"("a":"model-1.safetensors","c":"model-2.safetensors")");
  EXPECT_THAT(refusal().message,
              HasSubstr("model-2.safetensors: tensor 'c' is not there"));
  add("model-2.safetensors", scalar("a", kOne));
  add_index(R"("a":"model-1.safetensors","b":"model-2.safetensors")");
  EXPECT_THAT(refusal().message,
              AllOf(HasSubstr("model-2.safetensors: tensor 'a' is in"),
                    HasSubstr("model-1.safetensors too")));
}

TEST_F(WeightFolderTest, RefusesATensorThatTheIndexDoesNotName) {
  add("model-1.safetensors",
      safetensors(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                  R"("b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                  "xy"));
  add_index(R"("a":"model-1.safetensors")");
  EXPECT_THAT(refusal().message, HasSubstr("tensor 'b' is not in"));
}

TEST(WeightIndex, RefusesWhatIsNoIndex) {
  const auto fault = [](const std::string& json) {
    const auto index = parse_weight_index(json, "i.json");
    return index ? std::string{"none"} : index.error().message;
  };
  EXPECT_EQ(fault(R"({"weight_map":{"a":"x.safetensors"}})"), "none");
  EXPECT_THAT(fault("{"), HasSubstr("i.json: json: is no JSON at byte"));
  EXPECT_THAT(fault("[]"), HasSubstr("lacks the object 'weight_map'"));
  EXPECT_THAT(fault(R"({"weight_map":3})"), HasSubstr("lacks the object"));
  EXPECT_THAT(fault(R"({"weight_map":{}})"), HasSubstr("names no tensor"));
  EXPECT_THAT(fault(R"({"weight_map":{"a":3}})"), HasSubstr("tensor 'a'"));
  EXPECT_THAT(fault(R"({"weight_map":{"a":"x.safetensors",)"
                    R"("a":"y.safetensors"}})"),
              HasSubstr("'a' is there twice"));
  EXPECT_THAT(fault(R"({"weight_map":{"a":"../x.safetensors"}})"),
              HasSubstr("no .safetensors file of this folder"));
  EXPECT_THAT(fault(R"({"weight_map":{"a":"x.gguf"}})"),
              HasSubstr("no .safetensors file of this folder"));
  EXPECT_THAT(fault(R"({"weight_map":{"a":"x.bin"}})"),
              HasSubstr("x.bin: is a pickle file"));
}

TEST(WeightIndex, RefusesMoreFilesThanTheLimit) {
  const auto index = [](std::size_t files) {
    std::string json = R"({"weight_map":{)";
    for (std::size_t i = 0; i < files; ++i) {
      const auto n = std::to_string(i);
      json += (i == 0 ? "\"t" : ",\"t") + n + R"(":")" + n + R"(.safetensors")";
    }
    return parse_weight_index(json + "}}", "i.json");
  };
  EXPECT_TRUE(index(kMaxShards));
  const auto more = index(kMaxShards + 1);
  ASSERT_FALSE(more);
  EXPECT_THAT(more.error().message, HasSubstr("names 1025 files"));
}

TEST_F(WeightFolderTest, RefusesAtOnceWhatIsNoPlainFile) {
  const auto path = dir_ / "model.safetensors";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(refusal().message,
              HasSubstr(path.string() + ": is no plain file"));
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_THAT(refusal().message, HasSubstr(path.string() + ": is a folder"));
  std::filesystem::remove(path);
  const auto index = dir_ / "model.safetensors.index.json";
  ASSERT_EQ(::mkfifo(index.c_str(), 0600), 0);
  EXPECT_THAT(refusal().message,
              HasSubstr(index.string() + ": is no plain file"));
}

}  // namespace
}  // namespace troupe
