// A Hugging Face tokenizer.json of the Qwen2 form, checked: byte-level BPE
// behind NFC and Qwen2's pattern. Refuses every other form by name, all that
// differs in one answer; guesses nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace troupe {

using TokenId = std::int32_t;

inline constexpr std::uint64_t kMaxTokenizerFileBytes = 64u << 20;
inline constexpr std::size_t kMaxTokens = 1u << 20;

/// Found in the text before anything else is done to it.
struct AddedToken {
  TokenId id = 0;
  std::string content;      // Never empty.
  bool normalized = false;  // Looked for after NFC instead of before.
  bool special = false;     // Left out of decoded text, where asked for.
};

/// Tokens are in the byte alphabet (see byte_alphabet.hpp). Ids of vocabulary
/// and added tokens together are 0, 1, 2, ... without a gap.
struct TokenizerFile {
  std::unordered_map<std::string, TokenId> vocabulary;
  std::vector<std::pair<std::string, std::string>> merges;  // By rank.
  std::vector<AddedToken> added;
  std::size_t tokens = 0;  // How many ids there are.
};

/// Errors: corrupt (no such JSON, doubled or missing ids), unsupported
/// (another form; the faults name each difference), too_large.
Result<TokenizerFile> parse_tokenizer_file(std::string_view json,
                                           std::string_view file);

}  // namespace troupe
