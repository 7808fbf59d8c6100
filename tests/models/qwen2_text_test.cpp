#include "models/qwen2/text_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/golden.hpp"
#include "tests/models/safetensors_file.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Qwen2TextTest : public ::testing::Test {
 protected:
  Qwen2TextTest() {
    add("tokenizer.json", read_text(kGoldenDir / "tokenizer" / "strings.json"));
    add("chat_template.jinja", read_text(kGoldenDir / "chat_template.jinja"));
    config_.vocabulary_rows = 1600;
    config_.eos = {7};
  }
  void add(const std::string& name, std::string_view bytes) {
    write_bytes(dir_ / name, bytes);
  }
  Result<Qwen2Text> load() { return load_qwen2_text(dir_.path(), &config_); }

  platform::TempDir dir_;
  Qwen2Config config_;
};

TEST_F(Qwen2TextTest, ReadsAllThatTheFolderHas) {
  add("generation_config.json", R"({"eos_token_id": [5, 6], "top_k": 20})");
  const auto text = load();
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_TRUE(text->tokenizer.encode("hello"));
  EXPECT_TRUE(text->chat);
  EXPECT_EQ(text->generation.top_k, 20);
  EXPECT_THAT(text->eos, ElementsAre(5, 6));
}

TEST_F(Qwen2TextTest, TakesTheEndFromTheConfigWhereNothingElseSaysIt) {
  const auto text = load();
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(text->eos, ElementsAre(7));
}

TEST_F(Qwen2TextTest, TakesRawPromptsWhereTheTemplateIsUnknown) {
  add("chat_template.jinja", "{{ messages }}");
  const auto text = load();
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_FALSE(text->chat);
  EXPECT_EQ(text->why_no_chat.code, Errc::unsupported);
  std::filesystem::remove(dir_ / "chat_template.jinja");
  const auto none = load();
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->chat);
  EXPECT_EQ(none->why_no_chat.code, Errc::not_found);
}

TEST_F(Qwen2TextTest, RefusesAnotherModelsTokenizer) {
  const auto tokens = load()->tokenizer.size();
  config_.vocabulary_rows = static_cast<std::int64_t>(tokens);
  EXPECT_TRUE(load());
  config_.vocabulary_rows -= 1;
  const auto text = load();
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Errc::corrupt);
  EXPECT_THAT(text.error().message,
              HasSubstr("it is another model's tokenizer"));
}

TEST_F(Qwen2TextTest, RefusesAnEndThatIsNoToken) {
  config_.eos = {1599};
  const auto text = load();
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("config.json: eos_token_id is"));
  add("generation_config.json", R"({"eos_token_id": 1598})");
  EXPECT_THAT(load().error().message,
              HasSubstr("generation_config.json: eos_token_id is 1598"));
}

TEST_F(Qwen2TextTest, RefusesAFolderWithoutATokenizer) {
  std::filesystem::remove(dir_ / "tokenizer.json");
  EXPECT_EQ(load().error().code, Errc::not_found);
}

}  // namespace
}  // namespace troupe
