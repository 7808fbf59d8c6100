// Finds added tokens in text: the leftmost, of those that begin there the
// longest. Knows bytes only; what lies between is for others.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/text/tokenizer_file.hpp"

namespace troupe {

/// Immutable once made: thread-safe.
class AddedTokens {
 public:
  struct Entry {
    std::string content;  // Not empty.
    TokenId id = 0;
  };
  struct Found {
    std::size_t begin = 0;  // [begin, end) of the text.
    std::size_t end = 0;
    TokenId id = 0;
  };

  explicit AddedTokens(std::vector<Entry> entries);

  bool empty() const { return entries_.empty(); }
  std::optional<Found> find(std::string_view text, std::size_t from) const;

 private:
  std::vector<Entry> entries_;             // By first byte, the longest first.
  std::array<std::size_t, 257> begins_{};  // Of each first byte's entries.
};

}  // namespace troupe
