// What a line means that is typed in a chat: a question, or an order that
// begins with '/'. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace troupe {

enum class ChatVerb : std::uint8_t {
  nothing = 1,  // An empty line.
  ask,
  help,
  clear,
  system,
  save,
  retry,
  quit,
};

struct ChatLine {
  ChatVerb verb = ChatVerb::nothing;
  std::string text;  // The question, or what stands behind the order.
};

/// A question that begins with '/' is written with two of them. Errors:
/// invalid_argument: an unknown order, one that lacks its word or has one too
/// many, a question that is no UTF-8.
Result<ChatLine> read_chat_line(std::string_view line);

/// A line as a question, whatever it begins with; `nothing` where it is empty.
/// Errors: invalid_argument: it is no UTF-8.
Result<ChatLine> read_question(std::string_view line);

/// The orders, one a line, with what they do.
std::string chat_help();

/// Orders that begin as `before` does, what stands before the cursor.
std::vector<std::string> chat_completions(std::string_view before);

}  // namespace troupe
