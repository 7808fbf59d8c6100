// What a Qwen2 model folder says of text: tokenizer, chat template, and what
// ends an answer, held to each other and to the weights' size.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "core/result.hpp"
#include "models/qwen2/config.hpp"
#include "models/text/chat_template.hpp"
#include "models/text/generation_config.hpp"
#include "models/text/tokenizer.hpp"

namespace troupe {

struct Qwen2Text {
  Tokenizer tokenizer;
  GenerationConfig generation;
  /// generation_config.json's, else config.json's; may be empty.
  std::vector<TokenId> eos;
  /// Without one the model takes raw prompts only; why_no_chat says why.
  std::optional<ChatTemplate> chat;
  Error why_no_chat;
};

/// Without a `config` (null: it could not be read) the texts are held to each
/// other alone. Errors, all in one answer: those of Tokenizer::load() and
/// load_generation_config(); corrupt: more tokens than the model has rows, or
/// an end that is no token.
Result<Qwen2Text> load_qwen2_text(const std::filesystem::path& dir,
                                  const Qwen2Config* config);

}  // namespace troupe
