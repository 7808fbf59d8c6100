// Text to token ids and back, as Hugging Face's `tokenizers` does it for a
// tokenizer.json of the Qwen2 form. Adds no token of its own: no BOS, no EOS.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "models/text/added_tokens.hpp"
#include "models/text/byte_pairs.hpp"
#include "models/text/tokenizer_file.hpp"

namespace troupe {

enum class SpecialTokens : std::uint8_t { keep = 1, skip };

/// Immutable once made: thread-safe.
class Tokenizer {
 public:
  /// Reads DIR/tokenizer.json. Errors: not_found, corrupt, unsupported,
  /// too_large, denied, io_error.
  static Result<Tokenizer> load(const std::filesystem::path& dir);
  static Result<Tokenizer> parse(std::string_view json, std::string_view file);

  /// Errors: invalid_argument: the text is no UTF-8.
  Result<std::vector<TokenId>> encode(std::string_view text) const;

  /// What is no UTF-8 becomes U+FFFD. Errors: invalid_argument: an id that is
  /// no token.
  Result<std::string> decode(std::span<const TokenId> ids,
                             SpecialTokens special) const;

  /// How many ids there are. A model's rows from here on are padding: never
  /// sampled (mask_padding()).
  std::size_t size() const { return bytes_.size(); }
  bool has(TokenId id) const {
    return id >= 0 && static_cast<std::size_t>(id) < size();
  }
  /// REQUIRES: has(id).
  std::string_view bytes_of(TokenId id) const {
    return bytes_[static_cast<std::size_t>(id)];
  }
  bool is_special(TokenId id) const {
    return special_[static_cast<std::size_t>(id)];
  }
  /// An added token by its content ("<|im_end|>").
  std::optional<TokenId> find_added(std::string_view content) const;

 private:
  Tokenizer(const TokenizerFile& file, BytePairs pairs);
  void encode_plain(std::string_view text, std::vector<TokenId>& ids) const;
  void encode_normalized(std::u32string_view text,
                         std::vector<TokenId>& ids) const;

  BytePairs pairs_;
  AddedTokens raw_;                 // Looked for in the text as it came,
  AddedTokens normalized_;          // and in what NFC made of it.
  std::vector<std::string> bytes_;  // By id.
  std::vector<bool> special_;       // By id.
  std::vector<AddedToken> added_;
};

/// Sets the logits of rows that are no token to minus infinity. Errors:
/// invalid_argument: fewer rows than tokens: not this model's tokenizer.
Status mask_padding(const Tokenizer& tokenizer, std::span<float> logits);

}  // namespace troupe
