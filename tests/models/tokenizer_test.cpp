#include "models/text/tokenizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "models/text/detokenizer.hpp"
#include "models/text/pretokenizer.hpp"
#include "models/text/unicode.hpp"
#include "models/text/utf8.hpp"
#include "tests/models/golden.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const auto kFolder = kGoldenDir / "tokenizer";

Tokenizer golden(const std::string& form) {
  auto tokenizer = Tokenizer::parse(read_text(kFolder / form), form);
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return *tokenizer;
}

void expect_golden_texts(const Tokenizer& tokenizer) {
  const auto rows = read_lines(kFolder / "texts.jsonl");
  ASSERT_GT(rows.size(), 3000u);
  for (const auto& row : rows) {
    const auto ids = tokenizer.encode(row.at("text").get<std::string>());
    ASSERT_TRUE(ids) << ids.error().message;
    ASSERT_EQ(*ids, row.at("ids").get<std::vector<TokenId>>()) << row;
  }
}

TEST(Tokenizer, EncodesAsTheReferenceWithMergesAsPairs) {
  expect_golden_texts(golden("pairs.json"));
}

TEST(Tokenizer, EncodesAsTheReferenceWithMergesAsStrings) {
  expect_golden_texts(golden("strings.json"));
}

TEST(Tokenizer, DecodesAsTheReference) {
  const auto tokenizer = golden("pairs.json");
  const auto rows = read_lines(kFolder / "ids.jsonl");
  ASSERT_GT(rows.size(), 1000u);
  for (const auto& row : rows) {
    const auto ids = row.at("ids").get<std::vector<TokenId>>();
    const auto keep = tokenizer.decode(ids, SpecialTokens::keep);
    const auto skip = tokenizer.decode(ids, SpecialTokens::skip);
    ASSERT_TRUE(keep && skip);
    ASSERT_EQ(*keep, row.at("keep").get<std::string>()) << row;
    ASSERT_EQ(*skip, row.at("skip").get<std::string>()) << row;
  }
}

TEST(Tokenizer, LoadsAFolder) {
  const platform::TempDir dir;
  const auto missing = Tokenizer::load(dir.path());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  std::filesystem::copy_file(kFolder / "pairs.json", dir / "tokenizer.json");
  const auto tokenizer = Tokenizer::load(dir.path());
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ(tokenizer->size(), 1522u);
  EXPECT_EQ(tokenizer->find_added("<|im_end|>"), 1502);
  EXPECT_EQ(tokenizer->find_added("im_end"), std::nullopt);
  EXPECT_TRUE(tokenizer->is_special(1502));
  EXPECT_FALSE(tokenizer->is_special(*tokenizer->find_added("<tool_call>")));
}

TEST(Tokenizer, RefusesTextThatIsNoUtf8AndIdsThatAreNoTokens) {
  const auto tokenizer = golden("pairs.json");
  const auto ids = tokenizer.encode("ab\xc3(");
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code, Errc::invalid_argument);
  EXPECT_THAT(ids.error().message, HasSubstr("no UTF-8 at byte 2"));
  for (const TokenId id : {-1, 1522}) {
    const auto text = tokenizer.decode(std::array{id}, SpecialTokens::keep);
    ASSERT_FALSE(text);
    EXPECT_THAT(text.error().message, HasSubstr("ids are 0 to 1521"));
  }
}

TEST(Tokenizer, MasksExactlyThePaddingRows) {
  const auto tokenizer = golden("pairs.json");
  std::vector<float> logits(1536, 1.0f);
  ASSERT_TRUE(mask_padding(tokenizer, logits));
  for (std::size_t row = 0; row < logits.size(); ++row)
    ASSERT_EQ(std::isinf(logits[row]), row >= tokenizer.size()) << row;
  EXPECT_FALSE(mask_padding(tokenizer, std::span{logits}.first(1521)));
  EXPECT_TRUE(mask_padding(tokenizer, std::span{logits}.first(1522)));
}

TEST(Detokenizer, HoldsBackACharacterUntilItIsWhole) {
  const auto tokenizer = golden("pairs.json");
  std::vector<TokenId> bytes;  // The euro sign, one token a byte.
  for (const auto* byte : {"\xe2", "\x82", "\xac"})
    for (TokenId id = 0; id < 256; ++id)
      if (tokenizer.bytes_of(id) == byte) bytes.push_back(id);
  ASSERT_EQ(bytes.size(), 3u);
  Detokenizer stream{tokenizer, SpecialTokens::keep};
  EXPECT_EQ(stream.push(bytes[0]), "");
  EXPECT_EQ(stream.push(bytes[1]), "");
  EXPECT_EQ(stream.push(bytes[2]), "\u20ac");
  EXPECT_EQ(stream.finish(), "");
  EXPECT_EQ(stream.push(bytes[0]), "");
  EXPECT_EQ(stream.push(bytes[0]), "\ufffd");
  EXPECT_EQ(stream.finish(), "\ufffd");
  EXPECT_EQ(stream.finish(), "");
}

TEST(Detokenizer, HandsOutOnlyWholeCharacters) {
  const auto tokenizer = golden("pairs.json");
  for (const auto& row : read_lines(kFolder / "ids.jsonl")) {
    Detokenizer stream{tokenizer, SpecialTokens::keep};
    for (const auto id : row.at("ids").get<std::vector<TokenId>>())
      ASSERT_TRUE(to_code_points(stream.push(id))) << row;
  }
}

// -- what a file may say ------------------------------------------------------

class TokenizerFileTest : public ::testing::Test {
 protected:
  static std::string fault_of(const nlohmann::json& file) {
    const auto tokenizer = Tokenizer::parse(file.dump(), "t.json");
    return tokenizer ? "none" : tokenizer.error().message;
  }
  std::string fault() const { return fault_of(file_); }
  nlohmann::json file_ =
      nlohmann::json::parse(read_text(kFolder / "pairs.json"));
};

TEST_F(TokenizerFileTest, RefusesEveryOtherFormByName) {
  ASSERT_EQ(fault(), "none");
  const auto whole = file_;
  struct Change {
    const char* pointer;
    nlohmann::json value;
  };
  for (const auto& [pointer, value] :
       {Change{"/normalizer/type", "NFKC"},
        {"/normalizer", nullptr},
        {"/pre_tokenizer/type", "ByteLevel"},
        {"/pre_tokenizer/pretokenizers/0/type", "Digits"},
        {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\\w+"},
        {"/pre_tokenizer/pretokenizers/0/behavior", "Removed"},
        {"/pre_tokenizer/pretokenizers/0/invert", true},
        {"/pre_tokenizer/pretokenizers/1/add_prefix_space", true},
        {"/pre_tokenizer/pretokenizers/1/use_regex", true},
        {"/pre_tokenizer/pretokenizers/2", {{"type", "Digits"}}},
        {"/post_processor", {{"type", "TemplateProcessing"}}},
        {"/decoder/type", "WordPiece"},
        {"/model/type", "Unigram"},
        {"/model/dropout", 0.1},
        {"/model/unk_token", "<unk>"},
        {"/model/continuing_subword_prefix", "##"},
        {"/model/end_of_word_suffix", "</w>"},
        {"/model/fuse_unk", true},
        {"/model/byte_fallback", true},
        {"/model/ignore_merges", true}}) {
    file_ = whole;
    file_[nlohmann::json::json_pointer(pointer)] = value;
    EXPECT_THAT(fault(), HasSubstr("is no tokenizer of the Qwen2 form"))
        << pointer;
  }
}

TEST_F(TokenizerFileTest, TellsAllDifferencesAtOnce) {
  file_["normalizer"]["type"] = "NFKC";
  file_["model"]["dropout"] = 0.5;
  const auto tokenizer = Tokenizer::parse(file_.dump(), "t.json");
  ASSERT_FALSE(tokenizer);
  EXPECT_EQ(tokenizer.error().code, Errc::unsupported);
  EXPECT_THAT(
      tokenizer.error().faults,
      ElementsAre(Fault{"normalizer.type", R"(is "NFKC"; read is "NFC")"},
                  Fault{"model.dropout", "is 0.5; read is null"}));
}

TEST_F(TokenizerFileTest, RefusesBrokenVocabularies) {
  file_["model"]["vocab"]["new"] = 1523;
  EXPECT_THAT(fault(), HasSubstr("no token has the id 1522"));
  file_["model"]["vocab"]["new"] = 7;
  EXPECT_THAT(fault(), HasSubstr("id 7 is two tokens'"));
  for (const auto& id :
       {nlohmann::json(-1), nlohmann::json("7"), nlohmann::json(1 << 20)}) {
    file_["model"]["vocab"]["new"] = id;
    EXPECT_THAT(fault(), HasSubstr("'new' has no id below 1048576"));
  }
  file_["model"]["vocab"] = nlohmann::json::array();
  EXPECT_THAT(fault(), HasSubstr("lacks the object 'model.vocab'"));
}

TEST_F(TokenizerFileTest, RefusesAVocabularyWithoutAByte) {
  auto& vocabulary = file_["model"]["vocab"];
  vocabulary["another"] = vocabulary.at("\u0120");  // The space.
  vocabulary.erase("\u0120");
  EXPECT_THAT(fault(), HasSubstr("no token for the byte 32"));
}

TEST_F(TokenizerFileTest, RefusesBrokenMerges) {
  const auto with = [this](const nlohmann::json& merge) {
    auto file = file_;
    file["model"]["merges"].push_back(merge);
    return fault_of(file);
  };
  EXPECT_THAT(with(file_["model"]["merges"][0]), HasSubstr("is there twice"));
  EXPECT_THAT(with({"qqq", "a"}), HasSubstr("'qqq' is not in model.vocab"));
  EXPECT_THAT(with("a b"), HasSubstr("neither a string nor a pair"));
  EXPECT_THAT(with({"a", "b", "c"}), HasSubstr("neither a string nor a pair"));
  EXPECT_THAT(with({1, 2}), HasSubstr("neither a string nor a pair"));
  for (const auto* line : {"ab", "a b c"}) {
    file_["model"]["merges"] = nlohmann::json::array({line});
    EXPECT_THAT(fault(), HasSubstr("merges[0] is not two tokens"));
  }
}

TEST_F(TokenizerFileTest, RefusesAddedTokensItCannotPlace) {
  for (const auto* flag : {"lstrip", "rstrip", "single_word"}) {
    auto file = file_;
    file["added_tokens"][1][flag] = true;
    EXPECT_THAT(
        fault_of(file),
        AllOf(HasSubstr("added_tokens[1] ('<|im_start|>')"), HasSubstr(flag)));
  }
  auto& added = file_["added_tokens"];
  added[0]["content"] = "";
  EXPECT_THAT(fault(), HasSubstr("added_tokens[0] has an empty content"));
  added[0]["content"] = added[1]["content"];
  EXPECT_THAT(fault(), HasSubstr("is there twice"));
  added[0]["content"] = "a";
  EXPECT_THAT(fault(), HasSubstr("has another id in model.vocab"));
  added[0].erase("id");
  EXPECT_THAT(fault(), HasSubstr("lacks an id or a content"));
}

TEST_F(TokenizerFileTest, TakesTheLongestOfAddedTokensThatBeginTogether) {
  file_["added_tokens"][0]["content"] = "<a";
  file_["added_tokens"][1]["content"] = "<a>";
  const auto tokenizer = Tokenizer::parse(file_.dump(), "t.json");
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_THAT(*tokenizer->encode("<a><a<a>"), ElementsAre(1501, 1500, 1501));
}

TEST_F(TokenizerFileTest, LooksForNormalizedTokensAfterNfc) {
  auto& added = file_["added_tokens"];
  added[0]["content"] = "caf\u00e9";
  added[0]["normalized"] = true;
  added[1]["content"] = "cafe\u0301s";
  added[1]["normalized"] = false;
  const auto tokenizer = Tokenizer::parse(file_.dump(), "t.json");
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_THAT(*tokenizer->encode("caf\u00e9"), ElementsAre(1500));
  EXPECT_THAT(*tokenizer->encode("cafe\u0301"), ElementsAre(1500));
  EXPECT_THAT(*tokenizer->encode("cafe\u0301s"), ElementsAre(1501));
}

TEST(TokenizerFile, RefusesWhatIsNoJsonOrTooLong) {
  const auto broken = Tokenizer::parse("{", "t.json");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Errc::corrupt);
  const auto twice = Tokenizer::parse(R"({"a":1,"a":2})", "t.json");
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().message, HasSubstr("'a' is there twice"));
  const auto longer =
      Tokenizer::parse(std::string(kMaxTokenizerFileBytes + 1, ' '), "t.json");
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code, Errc::too_large);
}

// -- the pattern, and the normal form -----------------------------------------

std::vector<std::string> pieces(std::u32string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto size = first_piece(text);
    out.push_back(to_utf8(text.substr(0, size)));
    text.remove_prefix(size);
  }
  return out;
}

TEST(Pretokenizer, CutsAsThePatternSays) {
  EXPECT_THAT(pieces(U"I'm a1b 'LLama"),
              ElementsAre("I", "'m", " a", "1", "b", " '", "LLama"));
  EXPECT_THAT(pieces(U"it'LLama"), ElementsAre("it", "'LL", "ama"));
  EXPECT_THAT(pieces(U"  two\t\n \n x"),
              ElementsAre(" ", " two", "\t\n \n", " x"));
  EXPECT_THAT(pieces(U"a  "), ElementsAre("a", "  "));
  EXPECT_THAT(pieces(U"2026!?\n\nb"),
              ElementsAre("2", "0", "2", "6", "!?\n\n", "b"));
  EXPECT_THAT(pieces(U" (x) 'x' 's"),
              ElementsAre(" (", "x", ")", " '", "x", "'", " '", "s"));
  EXPECT_THAT(pieces(U"it'\u017fx"), ElementsAre("it", "'\u017f", "x"));
  EXPECT_THAT(pieces(U"a\nb\rc"), ElementsAre("a", "\n", "b", "\r", "c"));
  EXPECT_THAT(pieces(U"\u00a0x\u00a07"), ElementsAre("\u00a0x", "\u00a0", "7"));
}

TEST(Unicode, ComposesToNfc) {
  EXPECT_EQ(nfc(U"e\u0301"), U"\u00e9");
  EXPECT_EQ(nfc(U"a\u0307\u0323"), U"\u1ea1\u0307");
  EXPECT_EQ(nfc(U"\u212b\u2126"), U"\u00c5\u03a9");
  EXPECT_EQ(nfc(U"\u0958"), U"\u0915\u093c");  // Never composed again.
  EXPECT_EQ(nfc(U"\u1112\u1161\u11ab"), U"\ud55c");
  EXPECT_EQ(nfc(U"\uac00\u11a7"), U"\uac00\u11a7");  // No final consonant.
  EXPECT_EQ(nfc(U"\u0301a\u0301"), U"\u0301\u00e1");
  EXPECT_EQ(nfc(U"a\u0345\u0301b"), U"\u00e1\u0345b");
}

TEST(Unicode, KnowsLettersNumbersAndSpaces) {
  EXPECT_TRUE(is_letter('z') && is_letter(0x4e2d) && is_letter(0x1c89));
  EXPECT_FALSE(is_letter('[') || is_letter(0x301) || is_letter(0x10ffff));
  EXPECT_TRUE(is_number('0') && is_number(0xbd) && is_number(0x2167));
  EXPECT_FALSE(is_number('/') || is_number(':'));
  EXPECT_TRUE(is_space('\t') && is_space(0x85) && is_space(0x3000));
  EXPECT_FALSE(is_space(0x200b) || is_space(0x1c) || is_space(0xfeff));
}

TEST(Utf8, TellsInvalidFromIncomplete) {
  using Kind = Utf8Char::Kind;
  struct Row {
    std::string_view bytes;
    Kind kind;
    std::size_t size;
  };
  for (const auto& [bytes, kind, size] : {Row{"a", Kind::valid, 1},
                                          {"\xc3\xa9", Kind::valid, 2},
                                          {"\xf4\x8f\xbf\xbf", Kind::valid, 4},
                                          {"\xc3", Kind::incomplete, 1},
                                          {"\xf0\x9f\x91", Kind::incomplete, 3},
                                          {"\x80", Kind::invalid, 1},
                                          {"\xc0\x80", Kind::invalid, 1},
                                          {"\xe0\x9f\xbf", Kind::invalid, 1},
                                          {"\xed\xa0\x80", Kind::invalid, 1},
                                          {"\xf4\x90", Kind::invalid, 1},
                                          {"\xf5", Kind::invalid, 1},
                                          {"\xe2\x82(", Kind::invalid, 2}}) {
    const auto read = decode_utf8(bytes);
    EXPECT_EQ(read.kind, kind) << testing::PrintToString(bytes);
    EXPECT_EQ(read.bytes, size) << testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace troupe
