#include "apps/model_lines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/models/golden.hpp"

namespace troupe {
namespace {

using ::testing::HasSubstr;

class ModelLinesTest : public ::testing::Test {
 protected:
  std::string answers(Result<Json> (*one)(const Tokenizer&, const Json&),
                      const std::string& lines) {
    std::istringstream in{lines};
    std::ostringstream out;
    code_ = model_lines(*tokenizer_, one, in, out);
    return out.str();
  }
  Result<Tokenizer> tokenizer_ = Tokenizer::parse(
      read_text(kGoldenDir / "tokenizer" / "strings.json"), "strings.json");
  ExitCode code_ = ExitCode::ok;
};

TEST_F(ModelLinesTest, TurnTextsIntoIdsAndBackLineByLine) {
  const std::string texts =
      "{\"text\":\"hello there\"}\n\n{\"text\":\"<|im_end|>\"}\n";
  const auto ids = answers(tokenize_line, texts);
  EXPECT_THAT(ids, HasSubstr("{\"ids\":[1502]}\n"));
  EXPECT_EQ(answers(detokenize_line, ids),
            "{\"text\":\"hello there\"}\n{\"text\":\"<|im_end|>\"}\n");
  EXPECT_EQ(code_, ExitCode::ok);
}

TEST_F(ModelLinesTest, LeaveSpecialTokensOutWhereAskedTo) {
  EXPECT_EQ(
      answers(detokenize_line, "{\"ids\":[1502,1501],\"skip_special\":true}\n"),
      "{\"text\":\"\"}\n");
}

TEST_F(ModelLinesTest, AnswerAWrongLineAndGoOn) {
  const auto all =
      answers(tokenize_line, "no json\n{\"txt\":1}\n{}\n{\"text\":\"\"}\n");
  EXPECT_EQ(std::ranges::count(all, '\n'), 4);
  EXPECT_THAT(all, HasSubstr("txt"));
  EXPECT_THAT(all, HasSubstr("has no \\\"text\\\""));
  EXPECT_TRUE(all.ends_with("{\"ids\":[]}\n")) << all;
  EXPECT_EQ(code_, ExitCode::usage);
  EXPECT_THAT(answers(detokenize_line, "{\"ids\":[99999]}\n"),
              HasSubstr("\"error\""));
}

}  // namespace
}  // namespace troupe
