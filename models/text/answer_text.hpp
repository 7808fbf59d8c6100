// An answer's tokens to its text as they come: whole characters, and nothing
// of a stop string or of what may yet become one.
#pragma once

#include <string>
#include <vector>

#include "models/text/detokenizer.hpp"

namespace troupe {

class AnswerText {
 public:
  /// `tokenizer` outlives it. REQUIRES: no stop string is empty.
  AnswerText(const Tokenizer& tokenizer, std::vector<std::string> stops)
      : detokenizer_{tokenizer, SpecialTokens::skip},
        stops_{std::move(stops)} {}

  /// What can be said now; may be empty. REQUIRES: !stopped().
  std::string push(TokenId id);
  /// What is left after the last token. Nothing once stopped().
  std::string finish();

  /// A stop string came; the text ends before it.
  bool stopped() const { return stopped_; }
  /// All that was handed out.
  const std::string& text() const { return text_; }

 private:
  std::string say(std::size_t bytes);

  Detokenizer detokenizer_;
  std::vector<std::string> stops_;
  std::string held_;  // Not handed out; whole characters.
  std::string text_;
  bool stopped_ = false;
};

}  // namespace troupe
