#include "models/qwen2/text_files.hpp"

#include <string>
#include <utility>

#include "models/file_errors.hpp"

namespace troupe {
namespace {

Status check_rows(const std::filesystem::path& dir, const Tokenizer& tokenizer,
                  const Qwen2Config& config) {
  const auto rows = static_cast<std::size_t>(config.vocabulary_rows);
  if (tokenizer.size() <= rows) return ok();
  return Error{Errc::corrupt, (dir / "tokenizer.json").string() + ": has " +
                                  std::to_string(tokenizer.size()) +
                                  " tokens, but config.json says vocab_size " +
                                  std::to_string(rows) +
                                  ": it is another model's tokenizer"};
}

Status check_ends(const std::filesystem::path& file, const Tokenizer& tokenizer,
                  const std::vector<TokenId>& eos) {
  for (const auto id : eos)
    if (!tokenizer.has(id))
      return Error{Errc::corrupt, file.string() + ": eos_token_id is " +
                                      std::to_string(id) +
                                      ", but tokenizer.json has only the ids "
                                      "below " +
                                      std::to_string(tokenizer.size())};
  return ok();
}

}  // namespace

Result<Qwen2Text> load_qwen2_text(const std::filesystem::path& dir,
                                  const Qwen2Config* config) {
  FileErrors errors;
  const auto held = [&](const Status& status) {
    if (!status) errors.add(status.error());
  };
  auto tokenizer = Tokenizer::load(dir);
  if (!tokenizer) errors.add(tokenizer.error(), "tokenizer.json");
  auto generation = load_generation_config(dir);
  if (!generation) errors.add(generation.error(), "generation_config.json");
  const bool own = generation && !generation->eos.empty();
  std::vector<TokenId> eos;
  if (own)
    eos = generation->eos;
  else if (config != nullptr)
    eos = config->eos;
  if (tokenizer && config != nullptr)
    held(check_rows(dir, *tokenizer, *config));
  if (tokenizer)
    held(check_ends(dir / (own ? "generation_config.json" : "config.json"),
                    *tokenizer, eos));
  if (!errors.empty()) return std::move(errors).together();
  Qwen2Text text{.tokenizer = *std::move(tokenizer),
                 .generation = *std::move(generation),
                 .eos = std::move(eos)};
  auto chat = ChatTemplate::load(dir);
  if (chat)
    text.chat = std::move(*chat);
  else
    text.why_no_chat = chat.error();
  return text;
}

}  // namespace troupe
