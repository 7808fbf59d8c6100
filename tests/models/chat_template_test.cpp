#include "models/text/chat_template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/golden.hpp"
#include "tests/models/safetensors_file.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const auto kTemplate = kGoldenDir / "chat_template.jinja";
constexpr std::string_view kDefault =
    "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.";

ChatTemplate known() {
  auto chat = ChatTemplate::recognise(read_text(kTemplate), "t.jinja");
  EXPECT_TRUE(chat) << chat.error().message;
  return *chat;
}

Chat chat_of(const Json& row) {
  Chat chat;
  for (const auto& m : row.at("messages")) {
    auto& message = chat.messages.emplace_back();
    message.role = m.at("role").get<std::string>();
    message.content = m.at("content").get<std::string>();
    if (!m.contains("tool_calls")) continue;
    for (const auto& entry : m.at("tool_calls")) {
      const auto& call = entry.contains("function") ? entry["function"] : entry;
      message.tool_calls.push_back(
          {call.at("name").get<std::string>(), call.at("arguments")});
    }
  }
  for (const auto& tool : row.at("tools")) chat.tools.push_back(tool);
  chat.add_generation_prompt = row.at("add_generation_prompt").get<bool>();
  return chat;
}

std::string replaced(std::string text, std::string_view what,
                     std::string_view with) {
  for (auto at = text.find(what); at != text.npos;
       at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

TEST(ChatTemplate, RendersAsTheReference) {
  const auto chat = known();
  EXPECT_EQ(chat.default_system(), kDefault);
  const auto rows = read_lines(kGoldenDir / "tokenizer" / "chats.jsonl");
  ASSERT_GT(rows.size(), 50u);
  for (const auto& row : rows) {
    const auto text = chat.render(chat_of(row));
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(*text, row.at("text").get<std::string>());
  }
}

TEST(ChatTemplate, TakesTheDefaultSystemPromptFromTheTemplate) {
  const auto text =
      replaced(read_text(kTemplate), kDefault, R"(It\'s in \\boxed{}.\nDo.)");
  const auto chat = ChatTemplate::recognise(text, "t.jinja");
  ASSERT_TRUE(chat) << chat.error().message;
  EXPECT_EQ(*chat->render({.messages = {{"user", "1", {}}},
                           .add_generation_prompt = false}),
            "<|im_start|>system\nIt's in \\boxed{}.\nDo.<|im_end|>\n"
            "<|im_start|>user\n1<|im_end|>\n");
}

TEST(ChatTemplate, RefusesAnUnknownTemplateByName) {
  for (const auto& text :
       {std::string{}, std::string{"{{ messages }}"},
        replaced(read_text(kTemplate), "assistant\\n", "bot\\n"),
        replaced(read_text(kTemplate), kDefault, "' ~ x ~ '")}) {
    const auto chat = ChatTemplate::recognise(text, "m/t.jinja");
    ASSERT_FALSE(chat) << text;
    EXPECT_EQ(chat.error().code, Errc::unsupported);
    EXPECT_THAT(chat.error().message,
                AllOf(HasSubstr("m/t.jinja: the chat template ("),
                      HasSubstr("raw prompts work all the same")));
  }
}

TEST(ChatTemplate, NamesEveryFaultOfAChat) {
  const auto text = known().render(
      {.messages = {{"bot", "", {}}, {"user", "", {{"f", Json::object()}}}}});
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Errc::invalid_argument);
  ASSERT_EQ(text.error().faults.size(), 2u);
  EXPECT_EQ(text.error().faults[0].path, "messages[0].role");
  EXPECT_EQ(text.error().faults[1].path, "messages[1].tool_calls");
  const auto none = known().render({});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().faults[0].path, "messages");
}

TEST(ChatTemplate, IsFoundWhereEitherFormOfFolderHasIt) {
  const platform::TempDir dir;
  EXPECT_EQ(ChatTemplate::load(dir.path()).error().code, Errc::not_found);
  const auto config = [&](const Json& value) {
    write_bytes(dir / "tokenizer_config.json", value.dump());
  };
  config(Json::object());
  const auto none = ChatTemplate::load(dir.path());
  EXPECT_EQ(none.error().code, Errc::not_found);
  EXPECT_THAT(none.error().message, HasSubstr("has no chat template"));
  config({{"chat_template", read_text(kTemplate)}});
  EXPECT_TRUE(ChatTemplate::load(dir.path()));
  const Json named = {{"name", "default"}, {"template", read_text(kTemplate)}};
  config({{"chat_template", Json::array({named})}});
  EXPECT_TRUE(ChatTemplate::load(dir.path()));
  write_bytes(dir / "chat_template.jinja", "{{ messages }}");
  EXPECT_EQ(ChatTemplate::load(dir.path()).error().code, Errc::unsupported);
}

}  // namespace
}  // namespace troupe
