#include "apps/chat_room.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "core/text_params.hpp"
#include "models/model.hpp"

namespace troupe {
namespace {

std::size_t bytes_of(const Conversation& talk) {
  auto bytes = talk.system().size();
  for (const auto& said : talk.sent()) bytes += said.message.content.size();
  return bytes;
}

Chat chat_of(const Conversation& talk) {
  Chat chat;
  if (!talk.system().empty())
    chat.messages.push_back({.role = "system", .content = talk.system()});
  for (const auto& said : talk.sent())
    chat.messages.push_back(
        {.role = said.message.role, .content = said.message.content});
  return chat;
}

}  // namespace

ChatRoom::ChatRoom(const std::filesystem::path& folder) : folder_{folder} {
  if (folder.empty()) return;
  // What is wrong with them the job says.
  const auto limits = request_limits(folder, "text.generate");
  auto form = ChatTemplate::load(folder);
  if (!limits || !form) return;
  positions_ = limits->sequence;
  template_ = *std::move(form);
}

std::optional<std::size_t> ChatRoom::count(const std::string& text) {
  if (!tokenizer_) {
    auto loaded = Tokenizer::load(folder_);
    if (!loaded) return {};
    tokenizer_ = *std::move(loaded);
  }
  const auto ids = tokenizer_->encode(text);
  if (!ids) return {};
  return ids->size();
}

bool ChatRoom::has(const Conversation& talk, std::int64_t answer_tokens) {
  if (bytes_of(talk) >= refused_bytes_) return false;
  if (positions_ == 0) return true;
  const auto text = template_->render(chat_of(talk));
  if (!text) return true;
  if (answer_tokens == 0)
    answer_tokens = std::min(kDefaultMaxTokens, positions_ / 4);
  const auto room = static_cast<std::size_t>(
      std::max<std::int64_t>(0, positions_ - answer_tokens));
  // A token is a byte or more.
  if (text->size() <= room) return true;
  const auto tokens = count(*text);
  return !tokens || *tokens <= room;
}

void ChatRoom::refused(const Conversation& talk) {
  refused_bytes_ = std::min(refused_bytes_, bytes_of(talk));
}

std::int64_t answer_tokens(const ChatOptions& chat) {
  constexpr std::string_view kName = "max_tokens=";
  auto tokens = chat.max_tokens;
  for (const auto& param : chat.params) {
    if (!param.starts_with(kName)) continue;
    std::int64_t value = 0;
    const auto* end = param.data() + param.size();
    const auto read = std::from_chars(param.data() + kName.size(), end, value);
    if (read.ec == std::errc{} && read.ptr == end && value > 0) tokens = value;
  }
  return tokens;
}

}  // namespace troupe
