// Whatever bytes a program prints become valid UTF-8 here, once.
#pragma once

#include <string>
#include <string_view>

namespace troupe {

/// `bytes` with each invalid sequence (its longest valid start, as in the
/// WHATWG decoder) replaced by U+FFFD.
std::string to_valid_utf8(std::string_view bytes);

/// At most `max_bytes` of valid `text`, never ending inside a character.
std::string_view cut_utf8(std::string_view text, std::size_t max_bytes);

}  // namespace troupe
