#include "models/weights/safetensors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Eight bytes of prefix and this header; the file has `data` bytes more.
Result<std::vector<StoredTensor>> parse(const std::string& header,
                                        std::uint64_t data) {
  return parse_safetensors_header(header, 8 + header.size() + data, "w.st");
}

void expect_fault(const std::string& header, std::uint64_t data,
                  const std::string& what, Errc code = Errc::corrupt) {
  const auto parsed = parse(header, data);
  ASSERT_FALSE(parsed) << header;
  EXPECT_EQ(parsed.error().code, code);
  EXPECT_THAT(parsed.error().message,
              AllOf(HasSubstr("w.st: "), HasSubstr(what)));
}

// A header of one tensor, 't', with this inside.
std::string one(const std::string& fields) {
  return R"({"t":{)" + fields + "}}";
}

TEST(Safetensors, ReadsNamesTypesShapesAndPlaces) {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},)"
      R"("b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},)"
      R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
      R"("none":{"dtype":"I64","shape":[0,7],"data_offsets":[16,16]}}   )";
  const auto tensors = parse(header, 16);
  ASSERT_TRUE(tensors) << tensors.error().message;
  ASSERT_EQ(tensors->size(), 3u);
  EXPECT_EQ(tensors->at(0).name, "a");
  EXPECT_EQ(tensors->at(0).type, StoredType::f32);
  EXPECT_EQ(tensors->at(0).elements(), 1);
  EXPECT_EQ(tensors->at(1).name, "b");
  EXPECT_EQ(tensors->at(1).type, StoredType::bf16);
  EXPECT_EQ(tensors->at(1).shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(tensors->at(1).begin, 8 + header.size() + 4);
  EXPECT_EQ(tensors->at(1).bytes(), 12u);
  EXPECT_EQ(tensors->at(2).name, "none");
  EXPECT_EQ(tensors->at(2).elements(), 0);
}

TEST(Safetensors, ReadsAFileOfNoTensors) {
  const auto tensors = parse("{}", 0);
  ASSERT_TRUE(tensors) << tensors.error().message;
  EXPECT_TRUE(tensors->empty());
}

TEST(Safetensors, KnowsEveryDtypeAndItsLength) {
  struct Row {
    const char* name;
    std::uint64_t bytes;
  };
  for (const auto& [name, bytes] : {Row{"BOOL", 1},
                                    {"U8", 1},
                                    {"I8", 1},
                                    {"F8_E4M3", 1},
                                    {"F8_E5M2", 1},
                                    {"U16", 2},
                                    {"I16", 2},
                                    {"F16", 2},
                                    {"BF16", 2},
                                    {"U32", 4},
                                    {"I32", 4},
                                    {"F32", 4},
                                    {"U64", 8},
                                    {"I64", 8},
                                    {"F64", 8}}) {
    const auto tensors = parse(one(R"("dtype":")" + std::string(name) +
                                   R"(","shape":[3],"data_offsets":[0,)" +
                                   std::to_string(3 * bytes) + "]"),
                               3 * bytes);
    ASSERT_TRUE(tensors) << tensors.error().message;
    EXPECT_EQ(to_string(tensors->at(0).type), name);
  }
}

TEST(Safetensors, RefusesAPrefixThatCannotBe) {
  const auto fault = [](std::string_view prefix, std::uint64_t file_bytes) {
    const auto bytes = safetensors_header_bytes(prefix, file_bytes, "w.st");
    return bytes ? std::string{"none"} : bytes.error().message;
  };
  using namespace std::string_view_literals;
  EXPECT_THAT(fault(""sv, 0), HasSubstr("holds 0 of 8 bytes"));
  EXPECT_THAT(fault("\2\0\0\0\0\0\0"sv, 7), HasSubstr("holds 7 of 8 bytes"));
  EXPECT_EQ(fault("\2\0\0\0\0\0\0\0"sv, 10), "none");
  EXPECT_THAT(fault("\2\0\0\0\0\0\0\0"sv, 9), HasSubstr("holds 9 of 10 bytes"));
  EXPECT_THAT(fault("\xff\xff\xff\xff\xff\xff\xff\xff"sv, 99),
              HasSubstr("too long: 18446744073709551615 bytes"));
}

TEST(Safetensors, TakesTheLongestHeaderAndNotOneByteMore) {
  using namespace std::string_view_literals;  // 100,000,000 = 0x5f5e100.
  const std::uint64_t file_bytes = 200'000'000;
  const auto longest =
      safetensors_header_bytes("\0\xe1\xf5\5\0\0\0\0"sv, file_bytes, "w.st");
  ASSERT_TRUE(longest) << longest.error().message;
  EXPECT_EQ(*longest, kMaxSafetensorsHeaderBytes);
  const auto more =
      safetensors_header_bytes("\1\xe1\xf5\5\0\0\0\0"sv, file_bytes, "w.st");
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, Errc::too_large);
}

TEST(Safetensors, RefusesAHeaderThatIsNoJsonObject) {
  expect_fault("", 0, "does not begin with '{'");
  expect_fault(" {}", 0, "does not begin with '{'");
  expect_fault("[]", 0, "does not begin with '{'");
  expect_fault("{", 0, "is no JSON at byte");
  expect_fault("{}x", 0, "is no JSON at byte");
  expect_fault("{\"\xff\":1}", 0, "is no JSON at byte");
  expect_fault(R"({"t":3})", 0, "holds a number where an object must be");
  expect_fault(R"({"t":[]})", 0, "holds an array where an object must be");
  expect_fault(R"({"t":null})", 0, "tensor 't' holds null");
}

TEST(Safetensors, RefusesMetadataThatIsNoText) {
  expect_fault(R"({"__metadata__":{"a":1}})", 0,
               "__metadata__ holds a number where only strings may be");
  expect_fault(R"({"__metadata__":{"a":{}}})", 0, "holds an object");
  expect_fault(R"({"__metadata__":{"a":"","a":""}})", 0, "'a' twice");
  expect_fault(R"({"__metadata__":{},"__metadata__":{}})", 0, "twice");
}

TEST(Safetensors, RefusesATensorTwice) {
  const std::string entry =
      R"("t":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  expect_fault("{" + entry + "," + entry + "}", 0, "tensor 't' is there twice");
}

TEST(Safetensors, RefusesAMissingDoubledOrUnknownField) {
  expect_fault(one(R"("shape":[],"data_offsets":[0,1])"), 1,
               "tensor 't' lacks its dtype");
  expect_fault(one(R"("dtype":"U8","data_offsets":[0,1])"), 1,
               "tensor 't' lacks its shape");
  expect_fault(one(R"("dtype":"U8","shape":[])"), 1,
               "tensor 't' lacks its data_offsets");
  expect_fault(one(R"("dtype":"U8","dtype":"U8")"), 1, "its dtype twice");
  expect_fault(one(R"("shape":[],"shape":[])"), 1, "its shape twice");
  expect_fault(one(R"("data_offsets":[0,1],"data_offsets":[0,1])"), 1,
               "its data_offsets twice");
  expect_fault(one(R"("offset":0)"), 1, "tensor 't' has the unknown field");
}

TEST(Safetensors, RefusesAFieldOfTheWrongKind) {
  expect_fault(one(R"("dtype":7)"), 0, "where its dtype, a string, must be");
  expect_fault(one(R"("shape":7)"), 0, "in its shape");
  expect_fault(one(R"("shape":["7"])"), 0, "holds a string in its shape");
  expect_fault(one(R"("shape":[-7])"), 0, "holds a negative number");
  expect_fault(one(R"("shape":[7.5])"), 0, "holds a fraction");
  expect_fault(one(R"("shape":[[7]])"), 0, "holds an array in its shape");
  expect_fault(one(R"("shape":[true])"), 0, "holds a boolean");
  expect_fault(one(R"("data_offsets":{})"), 0, "holds an object");
  expect_fault(one(R"("dtype":"U8","shape":[1],"data_offsets":[0])"), 1,
               "lacks one of its two data_offsets");
  expect_fault(one(R"("data_offsets":[0,1,2])"), 1, "more than two");
}

TEST(Safetensors, NamesTheUnknownDtypeAndTheKnown) {
  expect_fault(one(R"("dtype":"F4","shape":[2],"data_offsets":[0,1])"), 1,
               "tensor 't' has the unknown dtype 'F4'; known are BOOL",
               Errc::unsupported);
}

TEST(Safetensors, RefusesALengthThatShapeAndDtypeDoNotGive) {
  const auto header = [](int end) {
    return one(R"("dtype":"F16","shape":[2,2],"data_offsets":[0,)" +
               std::to_string(end) + "]");
  };
  EXPECT_TRUE(parse(header(8), 8));
  expect_fault(header(7), 7, "7 bytes of data, but its shape and dtype need 8");
  expect_fault(header(9), 9, "9 bytes of data, but its shape and dtype need 8");
}

TEST(Safetensors, RefusesShapesBeyondCounting) {
  expect_fault(one(R"("dtype":"F16","shape":[9223372036854775808])"), 0,
               "too large to count");
  // 2^63 elements of two bytes: the product wraps to 0.
  expect_fault(one(R"("dtype":"F16","shape":[2147483648,4294967296],)"
                   R"("data_offsets":[0,0])"),
               0, "too large to count");
  const auto rank = [](const std::string& dims) {
    return one(R"("dtype":"U8","shape":[)" + dims +
               R"(],"data_offsets":[0,1])");
  };
  EXPECT_TRUE(parse(rank("1,1,1,1,1,1,1,1"), 1));
  expect_fault(rank("1,1,1,1,1,1,1,1,1"), 1, "more than 8 dimensions");
}

TEST(Safetensors, RefusesNamesBeyondTheLimit) {
  const auto named = [](std::size_t bytes) {
    return R"({")" + std::string(bytes, 'n') +
           R"(":{"dtype":"U8","shape":[],"data_offsets":[0,1]}})";
  };
  EXPECT_TRUE(parse(named(kMaxTensorNameBytes), 1));
  expect_fault(named(kMaxTensorNameBytes + 1), 1, "a name of over 1024 bytes");
}

// Two tensors of four bytes, the second from `begin` on.
std::string two(int begin, int end) {
  return R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
         R"("u":{"dtype":"F32","shape":[1],"data_offsets":[)" +
         std::to_string(begin) + "," + std::to_string(end) + "]}}";
}

TEST(Safetensors, RefusesOverlapsGapsAndReversedOffsets) {
  EXPECT_TRUE(parse(two(4, 8), 8));
  expect_fault(two(3, 7), 7, "tensor 'u' overlaps the one before it");
  expect_fault(two(0, 4), 4, "tensor 'u' overlaps the one before it");
  expect_fault(two(6, 10), 10, "tensor 'u' leaves a gap of 2 bytes before it");
  expect_fault(two(8, 4), 8, "tensor 'u' ends before it begins");
}

TEST(Safetensors, RefusesAFileOfAnotherLengthThanItsTensors) {
  expect_fault(two(4, 8), 7, "tensor 'u' lies beyond the end; the file holds");
  expect_fault(two(4, 8), 11, "3 bytes at the end belong to no tensor");
  expect_fault("{}", 1, "1 bytes at the end belong to no tensor");
  expect_fault(one(R"("dtype":"U8","shape":[1],"data_offsets":)"
                   R"([18446744073709551614,18446744073709551615])"),
               1, "beyond the end of any file");
}

}  // namespace
}  // namespace troupe
