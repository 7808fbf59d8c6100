// What a model's makers say of how to sample it: generation_config.json. A
// folder may have none; a value that is not there is none of theirs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "codec/unique_json.hpp"
#include "core/result.hpp"
#include "models/text/tokenizer_file.hpp"

namespace troupe {

struct GenerationConfig {
  std::vector<TokenId> eos;  // What ends a text; empty: not said.
  std::optional<bool> do_sample;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<std::int64_t> top_k;  // 0: all.
  std::optional<double> repetition_penalty;
  /// Transformers knows none and leaves it aside.
  std::optional<double> frequency_penalty;
};

/// Other members are not read. Errors: corrupt, all faults in one answer.
Result<GenerationConfig> parse_generation_config(const UniqueJson& json,
                                                 std::string_view file);

/// DIR/generation_config.json; without one nothing is said. Errors: also
/// denied, io_error, too_large.
Result<GenerationConfig> load_generation_config(
    const std::filesystem::path& dir);

}  // namespace troupe
