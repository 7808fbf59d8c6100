// Messages to the prompt that a chat model was trained on. Runs no template
// language: knows Qwen2.5's form, recognises it by its text, and refuses any
// other by name. Models without a known one still take raw prompts.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json.hpp"
#include "core/result.hpp"

namespace troupe {

inline constexpr std::uint64_t kMaxChatTemplateBytes = 16u << 20;

struct ToolCall {
  std::string name;
  Json arguments;
};

struct ChatMessage {
  std::string role;  // system, user, assistant or tool.
  std::string content;
  std::vector<ToolCall> tool_calls;  // Of an assistant only.
};

struct Chat {
  std::vector<ChatMessage> messages;
  std::vector<Json> tools;  // As functions are described to the model.
  bool add_generation_prompt = true;
};

class ChatTemplate {
 public:
  /// DIR/chat_template.jinja, else 'chat_template' of
  /// DIR/tokenizer_config.json. Errors: not_found (the folder has none),
  /// unsupported (an unknown one), corrupt, too_large, denied, io_error.
  static Result<ChatTemplate> load(const std::filesystem::path& dir);
  /// Errors: unsupported.
  static Result<ChatTemplate> recognise(std::string_view text,
                                        std::string_view file);

  /// Errors: invalid_argument: no message, an unknown role, calls of another
  /// than the assistant; the faults name each.
  Result<std::string> render(const Chat& chat) const;

  /// What the system says where no message does.
  const std::string& default_system() const { return default_system_; }

 private:
  explicit ChatTemplate(std::string default_system)
      : default_system_{std::move(default_system)} {}
  std::string system_turn(const Chat& chat) const;

  std::string default_system_;
};

}  // namespace troupe
