#include "models/qwen2/text_choice.hpp"

#include <algorithm>

namespace troupe {
namespace {

bool penalises(const kernels::SamplingRow& row) {
  return row.repetition_penalty != 1 || row.presence_penalty != 0 ||
         row.frequency_penalty != 0;
}

std::string without_space_before(const std::string& text) {
  return text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
}

// Bytes of part of a character become U+FFFD when the JSON is written.
Json logprob_json(const Tokenizer& tokenizer, const TokenLogprob& token) {
  return {{"id", token.id},
          {"token", std::string(tokenizer.bytes_of(token.id))},
          {"logprob", token.logprob}};
}

}  // namespace

TextChoice::TextChoice(const TextRequest& request, const Tokenizer& tokenizer,
                       std::uint32_t index)
    : request_{&request},
      tokenizer_{&tokenizer},
      index_{index},
      tokens_{request.prompt},
      answer_{tokenizer, request.stops} {
  tokens_.reserve(tokens_.size() +
                  static_cast<std::size_t>(request.max_tokens));
  if (penalises(request.sampling))
    for (const auto id : request.prompt) count(id, 0);
}

void TextChoice::count(TokenId id, std::int32_t times) {
  const auto [at, added] = seen_at_.try_emplace(id, seen_.size());
  if (added) seen_.push_back({.id = id});
  seen_[at->second].generated += times;
}

kernels::SamplingRow TextChoice::sampling() const {
  auto row = request_->sampling;
  row.choice = index_;
  row.position = static_cast<std::uint32_t>(generated());
  row.seen = seen_.data();
  row.seen_count = static_cast<std::int32_t>(seen_.size());
  row.biases = request_->biases.data();
  row.bias_count = static_cast<std::int32_t>(request_->biases.size());
  return row;
}

std::string TextChoice::take(TokenId id, const Logprobs* raw) {
  TROUPE_ASSERT(!ended());
  tokens_.push_back(id);
  if (penalises(request_->sampling)) count(id, 1);
  if (raw != nullptr) {
    auto step = logprob_json(*tokenizer_, raw->of(id));
    step["best"] = Json::array();
    for (const auto& token : raw->best(request_->logprobs.value_or(0)))
      step["best"].push_back(logprob_json(*tokenizer_, token));
    logprobs_.push_back(std::move(step));
  }
  const bool is_end = std::ranges::count(request_->eos, id) > 0;
  auto piece = is_end ? std::string{} : answer_.push(id);
  if (is_end || answer_.stopped())
    finish_reason_ = "stop";
  else if (generated() == request_->max_tokens)
    finish_reason_ = "length";
  if (ended()) piece += answer_.finish();
  if (!request_->trims_start || said_) return piece;
  said_ = !without_space_before(piece).empty();
  return without_space_before(piece);
}

Json TextChoice::result() const {
  auto text = request_->trims_start ? without_space_before(answer_.text())
                                    : answer_.text();
  Json result{{"text", std::move(text)}, {"finish_reason", finish_reason_}};
  if (request_->return_ids)
    result["ids"] = std::vector<TokenId>(
        tokens_.begin() + std::ssize(request_->prompt), tokens_.end());
  if (request_->logprobs) result["logprobs"] = logprobs_;
  return result;
}

}  // namespace troupe
