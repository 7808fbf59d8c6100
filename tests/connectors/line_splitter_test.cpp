#include "connectors/process/line_splitter.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "connectors/process/utf8.hpp"

namespace troupe {
namespace {

using Lines = std::vector<std::string>;

Lines split(const std::vector<std::string>& chunks) {
  LineSplitter splitter;
  Lines lines;
  const auto emit = [&lines](std::string line) {
    lines.push_back(std::move(line));
  };
  for (const auto& chunk : chunks) splitter.push(chunk, emit);
  splitter.finish(emit);
  return lines;
}

// The specification: the whole text at once, no state.
Lines oracle(const std::string& text) {
  Lines lines;
  std::string line;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\n' && text[i] != '\r') {
      line += text[i];
      continue;
    }
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
    lines.push_back(to_valid_utf8(line));
    line.clear();
  }
  if (!line.empty()) lines.push_back(to_valid_utf8(line));
  return lines;
}

TEST(LineSplitter, EndsLinesAtEveryKindOfEnd) {
  EXPECT_EQ(split({"a\nb\rc\r\nd"}), (Lines{"a", "b", "c", "d"}));
}

TEST(LineSplitter, AReturnAndNewlineInTwoPiecesAreOneEnd) {
  EXPECT_EQ(split({"a\r", "\nb\n"}), (Lines{"a", "b"}));
  EXPECT_EQ(split({"a\r", "", "\n", "\nb"}), (Lines{"a", "", "b"}));
}

TEST(LineSplitter, ALineIsThereAsSoonAsItsReturnIs) {
  LineSplitter splitter;
  Lines lines;
  splitter.push("50%\r", [&](std::string line) { lines.push_back(line); });
  EXPECT_EQ(lines, (Lines{"50%"}));
}

TEST(LineSplitter, CarriesPartialLinesOver) {
  EXPECT_EQ(split({"hel", "lo\nwor", "ld"}), (Lines{"hello", "world"}));
}

TEST(LineSplitter, NothingGivesNothing) {
  EXPECT_EQ(split({"", ""}), Lines{});
}

TEST(LineSplitter, ReplacesInvalidBytesAlsoAcrossPieces) {
  EXPECT_EQ(split({"a\xFF"
                   "b\n"}),
            (Lines{"a\uFFFD"
                   "b"}));
  EXPECT_EQ(split({"\xE2\x82", "\xAC\n"}), (Lines{"\u20AC"}));
  EXPECT_EQ(split({"\xE2\x82\n"}), (Lines{"\uFFFD"}));
}

TEST(LineSplitter, KeepsALineOfExactlyTheLimit) {
  const std::string full(kMaxLineBytes, 'x');
  EXPECT_EQ(split({full + "\n"}), (Lines{full}));
}

TEST(LineSplitter, CutsALongerLineAndSaysHowMuchIsMissing) {
  const std::string full(kMaxLineBytes, 'x');
  EXPECT_EQ(split({full, "yz", "w\nnext\n"}),
            (Lines{full + " [cut: 3 more bytes]", "next"}));
}

TEST(LineSplitter, ACutThroughACharacterLeavesNoDamage) {
  const std::string most(kMaxLineBytes - 1, 'x');
  EXPECT_EQ(split({most + "\u20AC\n"}), (Lines{most + " [cut: 2 more bytes]"}));
}

TEST(LineSplitter, AgreesWithItsSpecificationHoweverTheBytesArrive) {
  std::mt19937 random{7};
  const std::string alphabet = "ab\n\r\n\r\xE2\x82\xAC\xFF";
  for (int round = 0; round < 3000; ++round) {
    std::string text(random() % 40, 'x');
    for (auto& c : text) c = alphabet[random() % alphabet.size()];
    std::vector<std::string> chunks;
    for (std::size_t at = 0; at < text.size();) {
      const auto n = 1 + random() % 5;
      chunks.push_back(text.substr(at, n));
      at += n;
    }
    ASSERT_EQ(split(chunks), oracle(text)) << "round " << round;
  }
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndWhatIsTooHigh) {
  EXPECT_EQ(to_valid_utf8("\xC0\xAF"), "\uFFFD\uFFFD");
  EXPECT_EQ(to_valid_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(to_valid_utf8("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(Utf8, ReplacesTheLongestValidStartAtOnce) {
  EXPECT_EQ(to_valid_utf8("\xF0\x9F\x98x"), "\uFFFDx");
  EXPECT_EQ(to_valid_utf8("\xF0\x9F\x98\x80"), "\U0001F600");
}

TEST(Utf8, CutsOnlyBetweenCharacters) {
  EXPECT_EQ(cut_utf8("a\u20AC", 4), "a\u20AC");
  EXPECT_EQ(cut_utf8("a\u20AC", 3), "a");
  EXPECT_EQ(cut_utf8("\u20AC", 0), "");
}

}  // namespace
}  // namespace troupe
