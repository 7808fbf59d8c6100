#include "models/qwen2/text_files.hpp"

#include <string>
#include <utility>

namespace troupe {

Result<Qwen2Text> load_qwen2_text(const std::filesystem::path& dir,
                                  const Qwen2Config& config) {
  auto tokenizer = Tokenizer::load(dir);
  if (!tokenizer) return tokenizer.error();
  auto generation = load_generation_config(dir);
  if (!generation) return generation.error();
  const auto rows = static_cast<std::size_t>(config.vocabulary_rows);
  if (tokenizer->size() > rows)
    return Error{Errc::corrupt,
                 (dir / "tokenizer.json").string() + ": has " +
                     std::to_string(tokenizer->size()) +
                     " tokens, but config.json says vocab_size " +
                     std::to_string(rows) +
                     ": it is another model's tokenizer"};
  const bool own = !generation->eos.empty();
  auto eos = own ? generation->eos : config.eos;
  const auto* file = own ? "generation_config.json" : "config.json";
  for (const auto id : eos)
    if (!tokenizer->has(id))
      return Error{Errc::corrupt, (dir / file).string() + ": eos_token_id is " +
                                      std::to_string(id) +
                                      ", but tokenizer.json has only the ids "
                                      "below " +
                                      std::to_string(tokenizer->size())};
  Qwen2Text text{.tokenizer = std::move(*tokenizer),
                 .generation = std::move(*generation),
                 .eos = std::move(eos)};
  auto chat = ChatTemplate::load(dir);
  if (chat)
    text.chat = std::move(*chat);
  else
    text.why_no_chat = chat.error();
  return text;
}

}  // namespace troupe
