#include "config/units.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace troupe {
namespace {

using Unit = std::pair<std::string_view, std::int64_t>;

// From large to small: exact_duration() takes them in this order.
constexpr std::array<Unit, 5> kDurations{Unit{"d", 86'400'000},
                                         {"h", 3'600'000},
                                         {"m", 60'000},
                                         {"s", 1'000},
                                         {"ms", 1}};
constexpr std::array<Unit, 5> kSizes{Unit{"T", 1ll << 40},
                                     {"G", 1ll << 30},
                                     {"M", 1ll << 20},
                                     {"K", 1ll << 10},
                                     {"", 1}};

Error not_understood(std::string_view text, std::string_view what,
                     std::string_view examples) {
  return Error{Errc::invalid_argument,
               "'" + std::string(text) + "' is no " + std::string(what) +
                   "; write it like " + std::string(examples)};
}

/// Takes a number off the front of `text`.
std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(),
                                      value, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(value) || value < 0)
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::string_view take_letters(std::string_view& text) {
  auto end = std::find_if(text.begin(), text.end(), [](char c) {
    return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
  });
  auto letters = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(letters.size());
  return letters;
}

/// Nothing when the product is no whole amount that fits.
std::optional<std::int64_t> scaled(double value, std::int64_t unit) {
  double product = std::round(value * static_cast<double>(unit));
  if (product >= 9.2e18) return std::nullopt;
  return static_cast<std::int64_t>(product);
}

std::optional<std::int64_t> size_unit(std::string_view letters) {
  if (letters == "B") return 1;
  for (auto [name, factor] : kSizes) {
    if (letters == name) return factor;
    if (name.empty()) continue;
    char upper = name.front();
    char lower = static_cast<char>(upper - 'A' + 'a');
    if (letters.empty() ||
        (letters.front() != upper && letters.front() != lower))
      continue;
    auto rest = letters.substr(1);
    if (rest.empty() || rest == "B" || rest == "iB" || rest == "i")
      return factor;
  }
  return std::nullopt;
}

}  // namespace

Result<std::int64_t> parse_duration_ms(std::string_view text) {
  const auto error =
      not_understood(text, "duration", "250ms, 30s, 5m, 1h30m or 7d");
  if (text == "0") return std::int64_t{0};
  std::int64_t sum = 0;
  std::int64_t last_unit = std::numeric_limits<std::int64_t>::max();
  auto rest = text;
  if (rest.empty()) return error;
  while (!rest.empty()) {
    auto value = take_number(rest);
    auto letters = take_letters(rest);
    auto unit = std::find_if(kDurations.begin(), kDurations.end(),
                             [&](auto& u) { return u.first == letters; });
    if (!value || unit == kDurations.end() || unit->second >= last_unit)
      return error;
    auto part = scaled(*value, unit->second);
    if (!part || *part > std::numeric_limits<std::int64_t>::max() - sum)
      return error;
    sum += *part;
    last_unit = unit->second;
  }
  return sum;
}

Result<std::int64_t> parse_bytes(std::string_view text) {
  const auto error = not_understood(text, "size", "4096, 64KiB, 512M or 2G");
  auto rest = text;
  auto value = take_number(rest);
  if (!value) return error;
  if (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  auto unit = size_unit(take_letters(rest));
  if (!unit || !rest.empty()) return error;
  auto bytes = scaled(*value, *unit);
  if (!bytes) return error;
  return *bytes;
}

std::string exact_duration(std::int64_t ms) {
  if (ms == 0) return "0";
  std::string text;
  for (auto [name, unit] : kDurations) {
    auto count = ms / unit;
    if (count == 0) continue;
    text += std::to_string(count) + std::string(name);
    ms %= unit;
  }
  return text;
}

std::string exact_bytes(std::int64_t bytes) {
  if (bytes == 0) return "0";
  for (auto [name, unit] : kSizes) {
    if (bytes % unit != 0) continue;
    auto text = std::to_string(bytes / unit);
    return name.empty() ? text : text + std::string(name) + "iB";
  }
  return std::to_string(bytes);
}

}  // namespace troupe
