#include "models/text/unicode.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <tuple>

namespace troupe {
namespace {

struct Range {
  char32_t first, last;
};
struct ClassRange {
  char32_t first, last;
  std::uint8_t combining_class;
};
struct Split {
  char32_t code_point, first, second;  // second 0: one character alone.
};
struct Join {
  char32_t first, second, code_point;
};

#include "models/text/unicode_tables.inc"

// Syllables are computed: Unicode, section 3.12.
constexpr char32_t kHangulBase = 0xac00, kLBase = 0x1100, kVBase = 0x1161,
                   kTBase = 0x11a7;
constexpr char32_t kLCount = 19, kVCount = 21, kTCount = 28;
constexpr char32_t kHangulCount = kLCount * kVCount * kTCount;

// No character below takes part in a decomposition or moves.
constexpr char32_t kFirstDecomposed = 0xc0;
constexpr char32_t kFirstMark = 0x300;

template <class Row, std::size_t kSize>
const Row* find_range(const Row (&rows)[kSize], char32_t c) {
  const auto* row = std::ranges::upper_bound(rows, c, {}, &Row::first);
  if (row == std::begin(rows)) return nullptr;
  --row;
  return c <= row->last ? row : nullptr;
}

std::uint8_t combining_class(char32_t c) {
  if (c < kFirstMark) return 0;
  const auto* row = find_range(kCombiningClasses, c);
  return row ? row->combining_class : 0;
}

void append_decomposed(std::u32string& out, char32_t c) {
  if (c < kFirstDecomposed) {
    out += c;
    return;
  }
  if (c - kHangulBase < kHangulCount) {
    const auto syllable = c - kHangulBase;
    out += kLBase + syllable / (kVCount * kTCount);
    out += kVBase + syllable / kTCount % kVCount;
    if (syllable % kTCount != 0) out += kTBase + syllable % kTCount;
    return;
  }
  const auto* row =
      std::ranges::lower_bound(kDecompositions, c, {}, &Split::code_point);
  if (row == std::end(kDecompositions) || row->code_point != c) {
    out += c;
    return;
  }
  append_decomposed(out, row->first);
  if (row->second != 0) append_decomposed(out, row->second);
}

// Marks in the order of their classes; those of one class keep their order.
void order_marks(std::u32string& text) {
  for (auto at = text.begin(); at != text.end();) {
    const auto marks = std::find_if(
        at, text.end(), [](char32_t c) { return combining_class(c) != 0; });
    at = std::find_if(marks, text.end(),
                      [](char32_t c) { return combining_class(c) == 0; });
    std::stable_sort(marks, at, [](char32_t a, char32_t b) {
      return combining_class(a) < combining_class(b);
    });
  }
}

// The composite of two characters, or 0.
char32_t compose(char32_t a, char32_t b) {
  if (a - kLBase < kLCount && b - kVBase < kVCount)
    return kHangulBase + ((a - kLBase) * kVCount + (b - kVBase)) * kTCount;
  if (a - kHangulBase < kHangulCount && (a - kHangulBase) % kTCount == 0 &&
      b > kTBase && b - kTBase < kTCount)
    return a + (b - kTBase);
  const auto key = std::tie(a, b);
  const auto* row = std::ranges::lower_bound(
      kCompositions, key, {},
      [](const Join& join) { return std::tie(join.first, join.second); });
  if (row == std::end(kCompositions) ||
      std::tie(row->first, row->second) != key)
    return 0;
  return row->code_point;
}

// REQUIRES: decomposed, marks in order.
std::u32string composed(const std::u32string& text) {
  constexpr auto kNone = std::u32string::npos;
  std::u32string out;
  auto starter = kNone;         // Where in `out` the last one of class 0 is.
  std::uint8_t last_class = 0;  // Of what was kept since.
  for (const auto c : text) {
    const auto mark = combining_class(c);
    const bool blocked =
        starter == kNone || (out.size() > starter + 1 && last_class >= mark);
    if (const auto both = blocked ? 0 : compose(out[starter], c); both != 0) {
      out[starter] = both;
      continue;
    }
    if (mark == 0) starter = out.size();
    last_class = mark;
    out += c;
  }
  return out;
}

}  // namespace

bool is_letter(char32_t c) {
  return find_range(kLetters, c) != nullptr;
}
bool is_number(char32_t c) {
  return find_range(kNumbers, c) != nullptr;
}
bool is_space(char32_t c) {
  return find_range(kSpaces, c) != nullptr;
}

std::u32string nfc(std::u32string text) {
  if (std::ranges::all_of(text, [](char32_t c) { return c < kFirstMark; }))
    return text;
  std::u32string decomposed;
  decomposed.reserve(text.size());
  for (const auto c : text) append_decomposed(decomposed, c);
  order_marks(decomposed);
  return composed(decomposed);
}

}  // namespace troupe
