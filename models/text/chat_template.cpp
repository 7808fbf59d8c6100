#include "models/text/chat_template.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "codec/unique_json.hpp"
#include "models/text/python_json.hpp"
#include "platform/file.hpp"
#include "platform/regular_file.hpp"
#include "platform/sha256.hpp"

namespace troupe {
namespace {

// SHA-256 of templates that render as this code does, with the default system
// prompt, which differs between models, taken out.
constexpr std::array<std::string_view, 2> kKnown{
    // The one in the hub's Qwen2.5 files.
    "6c14865bcd87b706f964dd5e43851d194ec7bd8f1a1cfc688ff8dff3fcc271aa",
    // tests/golden/chat_template.jinja.
    "1217073ec9bf935472b43b922d23f2d6aa351546c174acaf83dce416ab681eef",
};

constexpr std::array<std::string_view, 4> kRoles{"system", "user", "assistant",
                                                 "tool"};

struct Opened {
  std::string skeleton;        // The template without it.
  std::string default_system;  // As the template spells it.
};

// Takes `inner` out of the one place where it stands between the others.
bool take_out(std::string& text, const std::string& before,
              const std::string& inner, const std::string& after) {
  const auto at = text.find(before + inner + after);
  if (at == text.npos) return false;
  text.erase(at + before.size(), inner.size());
  return true;
}

// The default stands twice: as a turn of its own, and alone, before tools.
std::optional<Opened> open_template(std::string_view text) {
  const std::string turn = R"('<|im_start|>system\n)";
  const std::string turn_end = "<|im_end|>";
  for (auto at = text.find(turn); at != text.npos;
       at = text.find(turn, at + 1)) {
    const auto begin = at + turn.size();
    const auto end = text.find(turn_end, begin);
    if (end == text.npos || text.substr(begin, 1) == "'") continue;
    Opened opened{std::string(text),
                  std::string(text.substr(begin, end - begin))};
    const auto& inner = opened.default_system;
    if (!take_out(opened.skeleton, turn, inner, turn_end) ||
        !take_out(opened.skeleton, "{{- '", inner, "' }}"))
      return std::nullopt;
    return opened;
  }
  return std::nullopt;
}

// What a quoted string of the template means.
std::optional<std::string> unescape(std::string_view quoted) {
  static constexpr std::string_view kEscapes = "\\'\"nt", kMeans = "\\'\"\n\t";
  std::string text;
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] == '\'') return std::nullopt;
    if (quoted[i] != '\\') {
      text += quoted[i];
      continue;
    }
    if (++i == quoted.size()) return std::nullopt;
    const auto escape = kEscapes.find(quoted[i]);
    if (escape == kEscapes.npos) return std::nullopt;
    text += kMeans[escape];
  }
  return text;
}

std::string turn(std::string_view role, std::string_view content) {
  return "<|im_start|>" + std::string(role) + "\n" + std::string(content) +
         "<|im_end|>\n";
}

std::string assistant_turn(const ChatMessage& message) {
  if (message.tool_calls.empty()) return turn("assistant", message.content);
  std::string text = "<|im_start|>assistant";
  if (!message.content.empty()) text += "\n" + message.content;
  for (const auto& call : message.tool_calls)
    text += "\n<tool_call>\n{\"name\": \"" + call.name +
            "\", \"arguments\": " + python_json(call.arguments) +
            "}\n</tool_call>";
  return text + "<|im_end|>\n";
}

Status check(const Chat& chat) {
  std::vector<Fault> faults;
  if (chat.messages.empty())
    faults.push_back({"messages", "is empty; at least one is needed"});
  for (std::size_t i = 0; i < chat.messages.size(); ++i) {
    const auto& message = chat.messages[i];
    const auto path = "messages[" + std::to_string(i) + "]";
    if (std::ranges::count(kRoles, message.role) == 0)
      faults.push_back({path + ".role", "'" + message.role +
                                            "' is unknown; known are system, "
                                            "user, assistant, tool"});
    else if (message.role != "assistant" && !message.tool_calls.empty())
      faults.push_back({path + ".tool_calls",
                        "are of the assistant, not of " + message.role});
  }
  if (faults.empty()) return ok();
  auto text = faults.front().path + " " + faults.front().message;
  return Error{Errc::invalid_argument, std::move(text), std::move(faults)};
}

Result<std::string> text_of_config(const std::filesystem::path& path) {
  auto json = platform::read_regular(path, kMaxChatTemplateBytes);
  if (!json) return json.error();
  const auto config = parse_unique_json(*json);
  if (!config)
    return Error{Errc::corrupt, path.string() + ": " + config.error().message};
  UniqueJson found;
  if (config->is_object() && config->contains("chat_template"))
    found = config->at("chat_template");
  if (found.is_array())  // Several, by name.
    for (const auto& named : UniqueJson(found))
      if (named.is_object() && named.value("name", "") == "default")
        found = named.value("template", UniqueJson());
  if (found.is_string()) return found.get<std::string>();
  return Error{Errc::not_found,
               path.string() +
                   ": has no chat template: this model takes raw "
                   "prompts, not messages"};
}

}  // namespace

Result<ChatTemplate> ChatTemplate::load(const std::filesystem::path& dir) {
  const auto own_file = dir / "chat_template.jinja";
  auto path = own_file;
  auto text = platform::read_regular(path, kMaxChatTemplateBytes);
  if (!text && text.error().code == Errc::not_found) {
    path = dir / "tokenizer_config.json";
    text = text_of_config(path);
  }
  if (!text) return text.error();
  return recognise(*text, path.string());
}

Result<ChatTemplate> ChatTemplate::recognise(std::string_view text,
                                             std::string_view file) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  const auto opened = open_template(text);
  const auto skeleton = opened ? opened->skeleton : std::string(text);
  const auto hash = platform::sha256_hex(skeleton);
  const auto system = opened ? unescape(opened->default_system) : std::nullopt;
  if (system && std::ranges::count(kKnown, hash) > 0)
    return ChatTemplate{*system};
  return Error{Errc::unsupported, std::string(file) + ": the chat template (" +
                                      hash.substr(0, 12) +
                                      ") is unknown; known is Qwen2.5's; "
                                      "raw prompts work all the same"};
}

std::string ChatTemplate::system_turn(const Chat& chat) const {
  const auto& first = chat.messages.front();
  auto text = first.role == "system" ? first.content : default_system_;
  if (chat.tools.empty()) return turn("system", text);
  text +=
      "\n\n# Tools\n\nYou may call one or more functions to assist with the "
      "user query.\n\nYou are provided with function signatures within "
      "<tools></tools> XML tags:\n<tools>";
  for (const auto& tool : chat.tools) text += "\n" + python_json(tool);
  text +=
      "\n</tools>\n\nFor each function call, return a json object with "
      "function name and arguments within <tool_call></tool_call> XML tags:\n"
      "<tool_call>\n{\"name\": <function-name>, \"arguments\": "
      "<args-json-object>}\n</tool_call>";
  return turn("system", text);
}

Result<std::string> ChatTemplate::render(const Chat& chat) const {
  if (auto good = check(chat); !good) return good.error();
  auto text = system_turn(chat);
  const auto& messages = chat.messages;
  const auto is_tool = [&](std::size_t i) {
    return i < messages.size() && messages[i].role == "tool";
  };
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto& message = messages[i];
    if (message.role == "assistant") {
      text += assistant_turn(message);
    } else if (message.role == "tool") {  // Neighbours share a user's turn.
      if (i == 0 || !is_tool(i - 1)) text += "<|im_start|>user";
      text += "\n<tool_response>\n" + message.content + "\n</tool_response>";
      if (!is_tool(i + 1)) text += "<|im_end|>\n";
    } else if (message.role == "user" || i > 0) {
      text += turn(message.role, message.content);
    }
  }
  if (chat.add_generation_prompt) text += "<|im_start|>assistant\n";
  return text;
}

}  // namespace troupe
