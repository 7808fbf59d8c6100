// What tokenizers ask of Unicode: three classes of characters, and NFC. The
// tables are those of Hugging Face's `tokenizers` (tools/unicode), not of the
// newest Unicode: text must be split as it was for training.
#pragma once

#include <string>
#include <string_view>

namespace troupe {

bool is_letter(char32_t c);  // \p{L}
bool is_number(char32_t c);  // \p{N}
bool is_space(char32_t c);   // \s

/// Canonical composition (Unicode Standard Annex 15, form C).
std::u32string nfc(std::u32string text);

}  // namespace troupe
