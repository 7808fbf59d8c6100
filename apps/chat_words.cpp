#include "apps/chat_words.hpp"

#include <algorithm>
#include <array>

#include "apps/render/table.hpp"
#include "core/nearest.hpp"
#include "models/text/utf8.hpp"

namespace troupe {
namespace {

struct ChatOrder {
  ChatVerb verb;
  std::string_view name;
  std::string_view word;  // What stands behind it; "": nothing.
  std::string_view help;
  bool needs_word = false;
};

constexpr std::array<ChatOrder, 6> kOrders{{
    {ChatVerb::help, "/help", "", "this list"},
    {ChatVerb::clear, "/clear", "", "begins a new conversation"},
    {ChatVerb::system, "/system", "TEXT",
     "what the model is told before all else; alone: the model's own"},
    {ChatVerb::save, "/save", "FILE", "writes the conversation there, as JSON",
     true},
    {ChatVerb::retry, "/retry", "",
     "asks the last question again, with another seed"},
    {ChatVerb::quit, "/quit", "", "leaves, as Ctrl-D does"},
}};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

Error wrong(std::string message) {
  return {Errc::invalid_argument, std::move(message)};
}

Status check_utf8(std::string_view text) {
  const auto points = to_code_points(text);
  if (points) return ok();
  return wrong(points.error().message + "; write it in UTF-8");
}

std::vector<std::string> order_names() {
  std::vector<std::string> names;
  for (const auto& order : kOrders) names.emplace_back(order.name);
  return names;
}

Result<ChatLine> read_order(std::string_view line) {
  const auto name = line.substr(0, line.find_first_of(" \t"));
  const auto word = trimmed(line.substr(name.size()));
  const auto order = std::ranges::find(kOrders, name, &ChatOrder::name);
  const std::string shown{name};
  if (order == kOrders.end())
    return wrong("unknown order '" + shown + "'" +
                 known_names(shown, order_names()) +
                 "; a question that begins with '/' is written with '//'");
  if (order->needs_word && word.empty())
    return wrong(shown + " needs a " + std::string(order->word) +
                 "; write: " + shown + " " + std::string(order->word));
  if (order->word.empty() && !word.empty())
    return wrong(shown + " stands alone; '" + std::string(word) +
                 "' is too many");
  return ChatLine{order->verb, std::string(word)};
}

}  // namespace

Result<ChatLine> read_question(std::string_view line) {
  const auto question = trimmed(line);
  if (question.empty()) return ChatLine{};
  if (auto good = check_utf8(question); !good) return good.error();
  return ChatLine{ChatVerb::ask, std::string(question)};
}

Result<ChatLine> read_chat_line(std::string_view line) {
  const auto words = trimmed(line);
  if (auto good = check_utf8(words); !good) return good.error();
  if (words.starts_with("//")) return read_question(words.substr(1));
  if (words.starts_with('/')) return read_order(words);
  return read_question(words);
}

std::string chat_help() {
  std::vector<std::vector<std::string>> rows;
  for (const auto& order : kOrders) {
    auto usage = "  " + std::string(order.name);
    if (!order.word.empty()) usage += " " + std::string(order.word);
    rows.push_back({usage, std::string(order.help)});
  }
  rows.push_back({"  //...", "a question that begins with '/'"});
  rows.push_back({"  Ctrl-C", "ends the answer; at an empty line it leaves"});
  return render::table(rows);
}

std::vector<std::string> chat_completions(std::string_view before) {
  std::vector<std::string> found;
  if (!before.starts_with('/')) return found;
  for (const auto& name : order_names())
    if (name.starts_with(before)) found.push_back(name);
  return found;
}

}  // namespace troupe
