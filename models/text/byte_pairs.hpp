// Byte pair encoding of one piece of text: the merge of the lowest rank first,
// the leftmost of equals, until none applies.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/result.hpp"
#include "models/text/tokenizer_file.hpp"

namespace troupe {

/// Immutable once made: thread-safe.
class BytePairs {
 public:
  /// Errors: corrupt: a byte has no token, a merge is of tokens that are not
  /// there, or is there twice.
  static Result<BytePairs> make(const TokenizerFile& tokenizer,
                                std::string_view file);

  /// Appends the ids of `piece` to `ids`.
  void encode(std::string_view piece, std::vector<TokenId>& ids) const;

 private:
  struct Merge {
    std::int32_t rank = 0;
    TokenId id = 0;
  };
  const Merge* find(TokenId left, TokenId right) const;

  std::array<TokenId, 256> byte_ids_{};
  std::unordered_map<std::uint64_t, Merge> merges_;  // By left << 32 | right.
};

}  // namespace troupe
