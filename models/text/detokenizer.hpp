// Token ids to text as they come: holds back the bytes of a character until
// it is whole, so that every piece handed out is UTF-8.
#pragma once

#include <string>

#include "models/text/tokenizer.hpp"

namespace troupe {

/// All pieces together are what Tokenizer::decode() gives for all ids.
class Detokenizer {
 public:
  /// `tokenizer` outlives it.
  Detokenizer(const Tokenizer& tokenizer, SpecialTokens special)
      : tokenizer_{&tokenizer}, special_{special} {}

  /// What can be said now; may be empty. REQUIRES: the tokenizer has `id`.
  std::string push(TokenId id);
  /// What is left, after the last id: nothing, or U+FFFD.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  SpecialTokens special_;
  std::string held_;  // The beginning of one character; at most three bytes.
};

}  // namespace troupe
