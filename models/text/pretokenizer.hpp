// Cuts text into the pieces that byte pairs are merged within, as Qwen2's
// pattern does:
//   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|
//   ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
// In one pass, in time linear in the text; knows no other pattern.
#pragma once

#include <cstddef>
#include <string_view>

namespace troupe {

/// The pattern as a tokenizer.json spells it.
extern const std::string_view kQwen2Pattern;

/// Characters of the first piece. REQUIRES: text is not empty.
std::size_t first_piece(std::u32string_view text);

}  // namespace troupe
