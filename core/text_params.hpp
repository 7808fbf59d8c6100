// The parameters of the kinds that write text, as jobs keep them: JSON by
// inspect(). What is absent is the model's own choice, or none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/inspect.hpp"
#include "core/result.hpp"

namespace troupe {

inline constexpr std::int64_t kMaxTextChoices = 16;
inline constexpr std::int64_t kDefaultMaxTokens = 512;
inline constexpr std::size_t kMaxLogitBiases = 1024;
inline constexpr std::size_t kMaxMessages = 1024;
/// Of a prompt or messages in an input file.
inline constexpr std::uint64_t kMaxTextInputBytes = 4u << 20;

struct TextMessage {
  std::string role;                    // system, user, assistant
  std::optional<std::string> content;  // Required, but it may be empty.
};

/// What is wrong with a conversation, wherever it came from: each with its path
/// below the parameters ("messages[1].role").
std::vector<Fault> message_faults(const std::vector<TextMessage>& messages);

/// How tokens are chosen. Ranges: kinds/text_generate.hpp.
struct TextSampling {
  std::optional<double> temperature;  // 0: the likeliest.
  std::optional<std::int64_t> top_k;  // 0: all.
  std::optional<double> top_p;
  std::optional<double> min_p;
  std::optional<double> repetition_penalty;
  std::optional<double> presence_penalty;
  std::optional<double> frequency_penalty;
};

/// Of text.generate: either a raw prompt or messages. Either may stand in an
/// input file of the job, whose name is given instead.
struct TextParams {
  std::optional<std::string> prompt;
  std::optional<std::string> prompt_input;
  std::optional<std::vector<TextMessage>> messages;
  std::optional<std::string> messages_input;
  std::optional<std::string> system;  // With messages that have none.
  std::optional<std::int64_t> max_tokens;
  TextSampling sampling;
  std::map<std::string, double> logit_bias;  // By token id.
  std::vector<std::string> stop;
  std::optional<std::uint64_t> seed;
  std::int64_t n = 1;                    // Answers.
  std::optional<std::int64_t> logprobs;  // How many of the likeliest are told.
  bool ignore_eos = false;
  bool return_ids = false;
  bool stream = true;
  std::string dtype = "auto";
};

/// Of text.enhance.
struct EnhanceParams {
  std::optional<std::string> prompt;
  std::optional<std::string> prompt_input;
  std::string style = "instruct";  // Of the model: base, instruct
  std::string target = "sdxl";     // sdxl, wan
  std::optional<std::string> system;
  std::optional<std::int64_t> max_tokens;
  TextSampling sampling;
  std::optional<std::uint64_t> seed;
  bool stream = true;
  std::string dtype = "auto";
};

template <class Inspector>
bool inspect(Inspector& f, TextMessage& x) {
  return f.object(x).fields(f.field("role", x.role),
                            f.field("content", x.content));
}

template <class Inspector>
bool inspect(Inspector& f, TextParams& x) {
  auto& s = x.sampling;
  return f.object(x).fields(
      f.field("prompt", x.prompt), f.field("prompt_input", x.prompt_input),
      f.field("messages", x.messages),
      f.field("messages_input", x.messages_input), f.field("system", x.system),
      f.field("max_tokens", x.max_tokens),
      f.field("temperature", s.temperature), f.field("top_k", s.top_k),
      f.field("top_p", s.top_p), f.field("min_p", s.min_p),
      f.field("repetition_penalty", s.repetition_penalty),
      f.field("presence_penalty", s.presence_penalty),
      f.field("frequency_penalty", s.frequency_penalty),
      f.field("logit_bias", x.logit_bias), f.field("stop", x.stop),
      f.field("seed", x.seed), f.field("n", x.n),
      f.field("logprobs", x.logprobs), f.field("ignore_eos", x.ignore_eos),
      f.field("return_ids", x.return_ids), f.field("stream", x.stream),
      f.field("dtype", x.dtype));
}

template <class Inspector>
bool inspect(Inspector& f, EnhanceParams& x) {
  auto& s = x.sampling;
  return f.object(x).fields(
      f.field("prompt", x.prompt), f.field("prompt_input", x.prompt_input),
      f.field("style", x.style), f.field("target", x.target),
      f.field("system", x.system), f.field("max_tokens", x.max_tokens),
      f.field("temperature", s.temperature), f.field("top_k", s.top_k),
      f.field("top_p", s.top_p), f.field("min_p", s.min_p),
      f.field("repetition_penalty", s.repetition_penalty),
      f.field("presence_penalty", s.presence_penalty),
      f.field("frequency_penalty", s.frequency_penalty),
      f.field("seed", x.seed), f.field("stream", x.stream),
      f.field("dtype", x.dtype));
}

}  // namespace troupe
