#include "apps/chat_room.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "core/text_params.hpp"
#include "kinds/submit_check.hpp"
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
  limits_ = request_limits(folder, "text.generate");
  auto form = ChatTemplate::load(folder);
  if (!*limits_ || !form) return;
  positions_ = (*limits_)->sequence;
  template_ = *std::move(form);
}

Status ChatRoom::fits(const JobSpec& spec) const {
  if (!limits_) return ok();
  if (*limits_ && !(*limits_)->why_no_chat.empty())
    return Error{Errc::unsupported,
                 "this model does not chat (" + (*limits_)->why_no_chat +
                     "); for a raw prompt: troupe run text.generate --model " +
                     spec.model + " --param prompt=TEXT"};
  const auto fits = *limits_ ? request_fits(**limits_, {spec.kind, spec.params})
                             : limits_->error();
  if (fits) return ok();
  return submit_error(faults_of_model(spec, fits.error()));
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

std::optional<std::size_t> ChatRoom::count(const Conversation& talk) {
  if (positions_ == 0) return {};
  const auto text = template_->render(chat_of(talk));
  if (!text) return {};
  return count(*text);
}

std::optional<Error> ChatRoom::refusal(const Conversation& talk,
                                       std::int64_t answer_tokens) {
  const auto counted = count(talk);
  if (!counted) return {};
  const auto prompt = static_cast<std::int64_t>(*counted);
  const auto answer = std::max<std::int64_t>(answer_tokens, 1);
  const auto left = positions_ - prompt;
  if (answer <= left) return {};
  const auto room =
      "this model has room for " + std::to_string(positions_) + " together";
  if (left < 1)
    return Error{Errc::too_large, "it has " + std::to_string(prompt) +
                                      " tokens with what goes along with it; " +
                                      room + " with the answer"};
  return Error{Errc::too_large, "max_tokens is " + std::to_string(answer) +
                                    " after a prompt of " +
                                    std::to_string(prompt) + " tokens; " +
                                    room + ": allowed are 1 to " +
                                    std::to_string(left)};
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
  std::int64_t tokens = 0;
  const auto take = [&](std::string_view text) {
    std::int64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec == std::errc{} && read.ptr == end && value > 0) tokens = value;
  };
  take(chat.max_tokens);
  for (const auto& param : chat.params)
    if (param.starts_with(kName))
      take(std::string_view{param}.substr(kName.size()));
  return tokens;
}

}  // namespace troupe
