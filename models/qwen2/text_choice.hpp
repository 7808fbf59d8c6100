// One answer while it is written: its tokens, how the next is to be sampled,
// its text, and why it ended. Knows neither the cache nor the weights.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "codec/json.hpp"
#include "models/qwen2/text_request.hpp"
#include "models/text/answer_text.hpp"
#include "models/text/logprobs.hpp"

namespace troupe {

class TextChoice {
 public:
  /// `request` and `tokenizer` outlive it.
  TextChoice(const TextRequest& request, const Tokenizer& tokenizer,
             std::uint32_t index);

  /// Prompt and answer.
  const std::vector<TokenId>& tokens() const { return tokens_; }
  std::int64_t generated() const {
    return std::ssize(tokens_) - std::ssize(request_->prompt);
  }
  std::uint32_t index() const { return index_; }

  /// For the next token; valid until take().
  kernels::SamplingRow sampling() const;

  /// The next token; gives the text that can be said now. `raw`: where the
  /// request wants logprobs. REQUIRES: !ended().
  std::string take(TokenId id, const Logprobs* raw);

  bool ended() const { return !finish_reason_.empty(); }
  /// stop (a stop string, or a token that ends texts), length.
  std::string_view finish_reason() const { return finish_reason_; }

  /// {"text", "finish_reason", ...}
  Json result() const;

 private:
  void count(TokenId id, std::int32_t times);

  const TextRequest* request_;
  const Tokenizer* tokenizer_;
  std::uint32_t index_;
  std::vector<TokenId> tokens_;
  std::vector<kernels::SeenToken> seen_;  // Empty where nothing is penalised.
  std::unordered_map<TokenId, std::size_t> seen_at_;
  AnswerText answer_;
  bool said_ = false;  // More than white space.
  std::string_view finish_reason_;
  Json logprobs_ = Json::array();
};

}  // namespace troupe
