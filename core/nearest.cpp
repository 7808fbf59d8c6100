#include "core/nearest.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace troupe {
namespace {

constexpr std::size_t kMaxNames = 3;
constexpr std::size_t kMaxWord = 128;  // Longer words are no misspellings.

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// Optimal string alignment: insert, remove, replace, swap neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(
      a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1,
                          d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

}  // namespace

std::vector<std::string> nearest_names(std::string_view word,
                                       std::span<const std::string> known) {
  if (word.empty() || word.size() > kMaxWord) return {};
  const auto wanted = lower(word);
  const auto limit =
      wanted.size() <= 3 ? 1 : std::max<std::size_t>(2, wanted.size() / 3);
  std::vector<std::pair<std::size_t, std::string>> found;
  for (const auto& name : known) {
    auto d = distance(wanted, lower(name));
    bool begins = wanted.size() >= 2 && lower(name).starts_with(wanted);
    if (begins) d = std::min<std::size_t>(d, 1);
    if (d <= limit) found.emplace_back(d, name);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](auto& a, auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (auto& [d, name] : found)
    if (names.size() < kMaxNames) names.push_back(std::move(name));
  return names;
}

std::string did_you_mean(std::string_view word,
                         std::span<const std::string> known) {
  auto names = nearest_names(word, known);
  if (names.empty()) return {};
  std::string text = "; did you mean ";
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += "'" + names[i] + "'";
  }
  return text + "?";
}

std::string known_names(std::string_view word,
                        std::span<const std::string> known,
                        std::string_view list_is) {
  auto text = did_you_mean(word, known);
  text += (text.empty() ? "; " : " ") + std::string(list_is) + " ";
  for (std::size_t i = 0; i < known.size(); ++i)
    text += (i > 0 ? ", " : "") + known[i];
  return text;
}

}  // namespace troupe
