#include "connectors/process/scan.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace troupe {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_word(char c) {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// "1:02:03" or "02:03", seconds with an optional fraction.
std::optional<double> take_clock_s(std::string_view& text) {
  auto rest = text;
  double total = 0;
  int fields = 0;
  for (;;) {
    if (rest.empty() || !is_digit(rest.front())) return {};
    const auto value = take_number(rest);
    if (!value) return {};
    total = total * 60 + *value;
    ++fields;
    if (fields == 3 || rest.size() < 2 || rest.front() != ':' ||
        !is_digit(rest[1]))
      break;
    rest.remove_prefix(1);
  }
  if (fields < 2) return {};
  text = rest;
  return total;
}

std::optional<double> unit_s(std::string_view& text) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"days", 86400}, {"day", 86400}, {"hours", 3600}, {"hour", 3600},
      {"hrs", 3600},   {"hr", 3600},   {"minutes", 60}, {"minute", 60},
      {"mins", 60},    {"min", 60},    {"seconds", 1},  {"second", 1},
      {"secs", 1},     {"sec", 1},     {"ms", 0.001},   {"d", 86400},
      {"h", 3600},     {"m", 60},      {"s", 1}};
  for (const auto& [name, seconds] : kUnits) {
    if (!same_word(text.substr(0, name.size()), name)) continue;
    const auto after = text.substr(name.size());
    // "2m30s" goes on with a digit; "2 monkeys" is no time.
    if (!after.empty() && is_word(after.front()) && !is_digit(after.front()))
      continue;
    text = after;
    return seconds;
  }
  return {};
}

}  // namespace

std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  auto rest = text;
  if (!rest.empty() && rest.front() == '+') rest.remove_prefix(1);
  const auto parsed =
      std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (parsed.ec == std::errc::invalid_argument) return {};
  rest.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest.data()));
  text = rest;
  if (parsed.ec != std::errc{} || !std::isfinite(value)) return {};
  return value;
}

std::optional<std::int64_t> take_integer(std::string_view& text) {
  if (text.empty() || !is_digit(text.front())) return {};
  std::int64_t value = 0;
  const auto parsed =
      std::from_chars(text.data(), text.data() + text.size(), value);
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  if (parsed.ec != std::errc{}) return {};
  return value;
}

void skip_spaces(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

std::optional<std::pair<std::int64_t, std::int64_t>> take_fraction(
    std::string_view& text) {
  auto rest = text;
  const auto a = take_integer(rest);
  if (!a) return {};
  skip_spaces(rest);
  if (!take(rest, "/")) return {};
  skip_spaces(rest);
  const auto b = take_integer(rest);
  if (!b) return {};
  text = rest;
  return std::pair{*a, *b};
}

std::optional<std::int64_t> take_duration_ms(std::string_view& text) {
  constexpr double kMaxSeconds = 1e9;  // Thirty years: beyond it, no time.
  auto rest = text;
  double seconds = 0;
  bool any = false;
  for (;;) {
    skip_spaces(rest);
    if (const auto clock = take_clock_s(rest)) {
      seconds += *clock;
      any = true;
      break;
    }
    auto next = rest;
    const auto value = !next.empty() && is_digit(next.front())
                           ? take_number(next)
                           : std::nullopt;
    if (!value) break;
    skip_spaces(next);
    const auto unit = unit_s(next);
    if (!unit) break;
    seconds += *value * *unit;
    any = true;
    take(next, ",");
    rest = next;
  }
  if (!any || seconds > kMaxSeconds) return {};
  text = rest;
  return static_cast<std::int64_t>(std::llround(seconds * 1000));
}

std::size_t find_word(std::string_view text, std::string_view word,
                      std::size_t from) {
  for (auto i = from; i + word.size() <= text.size(); ++i)
    if ((i == 0 || !is_word(text[i - 1])) &&
        same_word(text.substr(i, word.size()), word))
      return i;
  return std::string_view::npos;
}

std::optional<double> named_number(std::string_view text,
                                   std::string_view name) {
  std::optional<double> found;
  for (std::size_t at = 0;
       (at = find_word(text, name, at)) != std::string_view::npos; ++at) {
    auto rest = text.substr(at + name.size());
    if (!rest.empty() && (rest.front() == '"' || rest.front() == '\''))
      rest.remove_prefix(1);
    skip_spaces(rest);
    if (!rest.empty() && (rest.front() == ':' || rest.front() == '='))
      rest.remove_prefix(1);
    else if (rest.size() == text.size() - at - name.size())
      continue;  // "lossless 3": another word.
    skip_spaces(rest);
    if (const auto value = take_number(rest)) found = value;
  }
  return found;
}

}  // namespace troupe
