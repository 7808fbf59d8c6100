// The tokenizer on text that people wrote, in twenty languages and several
// kinds of source: the ids that Hugging Face's tokenizers gives.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "models/text/tokenizer.hpp"
#include "tests/models/golden.hpp"

namespace troupe {
namespace {

const auto kTexts = kGoldenDir / "real_text";

/// Where two lists of ids part, with what stands there.
std::string parting(const Tokenizer& tokenizer, const std::vector<TokenId>& a,
                    const std::vector<TokenId>& b) {
  const auto at = std::ranges::mismatch(a, b).in1 - a.begin();
  const auto last = std::min<std::ptrdiff_t>(at + 1, std::ssize(a));
  const auto before = std::span{a}.subspan(
      static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, last - 12)),
      static_cast<std::size_t>(std::min<std::ptrdiff_t>(12, last)));
  return "at token " + std::to_string(at) +
         ", after: " + *tokenizer.decode(before, SpecialTokens::keep);
}

TEST(RealText, GetsTheIdsOfTheReference) {
  std::set<std::string> tokenizers, texts;
  for (const auto& row : read_lines(kTexts / "ids.jsonl")) {
    const auto file = row.at("tokenizer").get<std::string>();
    const auto name = row.at("text").get<std::string>();
    SCOPED_TRACE(name + " by " + file);
    tokenizers.insert(file);
    texts.insert(name);
    const auto tokenizer = Tokenizer::parse(read_text(file), file);
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    const auto ids = tokenizer->encode(read_text(kTexts / name));
    ASSERT_TRUE(ids) << ids.error().message;
    const auto expected = row.at("ids").get<std::vector<TokenId>>();
    ASSERT_GT(expected.size(), 500u);
    EXPECT_TRUE(*ids == expected) << parting(*tokenizer, *ids, expected);
  }
  EXPECT_EQ(tokenizers.size(), 2u);
  EXPECT_EQ(texts.size(), 26u);
}

}  // namespace
}  // namespace troupe
