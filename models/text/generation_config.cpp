#include "models/text/generation_config.hpp"

#include <string>

#include "models/json_keys.hpp"

namespace troupe {

Result<GenerationConfig> parse_generation_config(const UniqueJson& json,
                                                 std::string_view file) {
  JsonKeys keys{json};
  GenerationConfig config;
  config.eos = keys.ids("eos_token_id", static_cast<TokenId>(kMaxTokens) - 1);
  const auto has = [&](const char* key) { return keys.find(key) != nullptr; };
  if (has("do_sample")) config.do_sample = keys.flag("do_sample");
  if (has("temperature"))
    config.temperature = keys.number("temperature", 0, 100);
  if (has("top_p")) config.top_p = keys.number("top_p", 0, 1);
  if (has("top_k")) config.top_k = keys.whole("top_k", 0, kMaxTokens);
  if (has("repetition_penalty"))
    config.repetition_penalty = keys.number("repetition_penalty", 0.01, 100);
  if (has("frequency_penalty"))
    config.frequency_penalty = keys.number("frequency_penalty", -2, 2);
  if (auto good = keys.result(file); !good) return good.error();
  return config;
}

Result<GenerationConfig> load_generation_config(
    const std::filesystem::path& dir) {
  const auto path = (dir / "generation_config.json").string();
  const auto json = read_json_object(path);
  if (!json && json.error().code == Errc::not_found) return GenerationConfig{};
  if (!json) return json.error();
  return parse_generation_config(*json, path);
}

}  // namespace troupe
