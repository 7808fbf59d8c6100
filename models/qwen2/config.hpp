// A Qwen2 model's config.json, in the form of the hub's files and in the form
// that transformers 5 writes. Refuses what this family does not compute, by
// key, all of it in one answer; guesses nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "codec/unique_json.hpp"
#include "core/result.hpp"
#include "models/text/tokenizer_file.hpp"

namespace troupe {

// Each above the largest model of the family; what is over is a broken file.
inline constexpr std::int64_t kMaxVocabularyRows = kMaxTokens;
inline constexpr std::int64_t kMaxHidden = 16'384;
inline constexpr std::int64_t kMaxIntermediate = 131'072;
inline constexpr std::int64_t kMaxLayers = 256;
inline constexpr std::int64_t kMaxHeads = 256;
inline constexpr std::int64_t kMaxPositions = 1 << 20;

struct Qwen2Config {
  std::int64_t vocabulary_rows = 0;  // Of the embedding; padding included.
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;  // Divides heads.
  std::int64_t head_dim = 0;  // 64 or 128
  std::int64_t max_positions = 0;
  float rms_norm_eps = 0;
  float rope_theta = 0;
  bool tied_head = false;    // The head is the embedding.
  std::vector<TokenId> eos;  // What ends a text; may be empty.

  std::int64_t q_width() const { return heads * head_dim; }
  std::int64_t kv_width() const { return kv_heads * head_dim; }
};

/// `file` is for messages. Errors: corrupt (a key missing, of another kind or
/// out of range), unsupported (what this family does not compute).
Result<Qwen2Config> parse_qwen2_config(const UniqueJson& json,
                                       std::string_view file);

/// DIR/config.json. Errors: also not_found, denied, io_error, too_large.
Result<Qwen2Config> load_qwen2_config(const std::filesystem::path& dir);

}  // namespace troupe
