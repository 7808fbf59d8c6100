#include "models/text/pretokenizer.hpp"

#include "models/text/unicode.hpp"

namespace troupe {
namespace {

bool is_newline(char32_t c) {
  return c == '\r' || c == '\n';
}
bool is_word(char32_t c) {
  return is_letter(c) || is_number(c);
}
bool is_symbol(char32_t c) {
  return !is_space(c) && !is_word(c);
}

// Where the run that starts at `at` ends.
template <class In>
std::size_t run_end(std::u32string_view text, std::size_t at, In in) {
  while (at < text.size() && in(text[at])) ++at;
  return at;
}

char32_t lower(char32_t c) {
  if (c >= 'A' && c <= 'Z') return c - 'A' + 'a';
  return c == 0x17f ? 's' : c;  // Long s folds to s, in any case.
}

// 's 't 'm 'd 're 've 'll; 0: none of them.
std::size_t contraction(std::u32string_view text) {
  if (text[0] != '\'' || text.size() < 2) return 0;
  const auto first = lower(text[1]);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  const auto second = text.size() > 2 ? lower(text[2]) : 0;
  const bool known = ((first == 'r' || first == 'v') && second == 'e') ||
                     (first == 'l' && second == 'l');
  return known ? 3 : 0;
}

// REQUIRES: text begins with a space. Up to its last newline; without one,
// all of it but the last, which goes to the word that follows, if one does.
std::size_t spaces(std::u32string_view text) {
  const auto end = run_end(text, 0, is_space);
  for (auto at = end; at > 0; --at)
    if (is_newline(text[at - 1])) return at;
  return end == text.size() || end == 1 ? end : end - 1;
}

}  // namespace

constexpr std::string_view kPattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kQwen2Pattern = kPattern;

std::size_t first_piece(std::u32string_view text) {
  const auto c = text[0];
  if (const auto end = contraction(text); end > 0) return end;
  if (is_letter(c)) return run_end(text, 1, is_letter);
  if (is_number(c)) return 1;
  const bool more = text.size() > 1;
  if (more && !is_newline(c) && is_letter(text[1]))
    return run_end(text, 2, is_letter);
  const bool led = c == ' ' && more && is_symbol(text[1]);
  if (!led && is_space(c)) return spaces(text);
  return run_end(text, run_end(text, 1, is_symbol), is_newline);
}

}  // namespace troupe
