#include "models/text/added_tokens.hpp"

#include <algorithm>

namespace troupe {
namespace {

std::size_t first_byte(std::string_view text) {
  return static_cast<unsigned char>(text[0]);
}

}  // namespace

AddedTokens::AddedTokens(std::vector<Entry> entries)
    : entries_{std::move(entries)} {
  std::ranges::sort(entries_, [](const Entry& a, const Entry& b) {
    const auto x = first_byte(a.content), y = first_byte(b.content);
    return x != y ? x < y : a.content.size() > b.content.size();
  });
  for (const auto& entry : entries_) ++begins_[first_byte(entry.content) + 1];
  for (std::size_t i = 1; i < begins_.size(); ++i) begins_[i] += begins_[i - 1];
}

std::optional<AddedTokens::Found> AddedTokens::find(std::string_view text,
                                                    std::size_t from) const {
  if (empty()) return std::nullopt;
  for (; from < text.size(); ++from) {
    const auto rest = text.substr(from);
    const auto byte = first_byte(rest);
    for (auto i = begins_[byte]; i < begins_[byte + 1]; ++i)
      if (rest.starts_with(entries_[i].content))
        return Found{from, from + entries_[i].content.size(), entries_[i].id};
  }
  return std::nullopt;
}

}  // namespace troupe
