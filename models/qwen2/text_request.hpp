// What a request for text means to one model: its prompt in tokens, the
// model's own defaults filled in, every limit checked. Computes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "kernels/sampling.hpp"
#include "models/model.hpp"
#include "models/qwen2/plan.hpp"
#include "models/qwen2/text_files.hpp"

namespace troupe {

struct TextRequest {
  std::vector<TokenId> prompt;  // Never empty.
  std::int64_t max_tokens = 0;
  kernels::SamplingRow sampling;  // But for choice, position and what is seen.
  std::vector<kernels::TokenBias> biases;
  std::vector<std::string> stops;
  std::vector<TokenId> eos;  // What ends an answer; none where it is ignored.
  std::int64_t choices = 1;
  std::optional<std::int64_t> logprobs;
  bool trims_start = false;  // No white space before the answer.
  bool return_ids = false;
  bool stream = true;
};

/// What the parameters of a request ask of any model like these limits say,
/// each fault with its path: of what the prompt's length decides only what no
/// prompt would do. Params that are not the kind's are left to the kind.
std::vector<Fault> beyond_text_limits(const RequestLimits& limits,
                                      const Request& request);

/// Errors:
/// invalid_argument with all faults: params that are not the kind's, text that
/// is no UTF-8, messages for a model without a known chat template, a prompt
/// without a token or too long, more answers than ever fit, ids that are no
/// tokens.
Result<TextRequest> resolve_text_request(const Request& request,
                                         const Qwen2Text& model,
                                         const TextRoom& room);

}  // namespace troupe
