// The names closest to a mistyped one, for messages that say what is known.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace troupe {

/// At most three of `known`, closest first: those within an edit distance
/// (swapped neighbours count as one edit) of a third of the word's length, at
/// least 2 (1 for words of up to three letters), and those that begin with it.
std::vector<std::string> nearest_names(std::string_view word,
                                       std::span<const std::string> known);

/// "; did you mean 'a' or 'b'?", or nothing.
std::string did_you_mean(std::string_view word,
                         std::span<const std::string> known);

/// "; did you mean 'submit'? known are run, submit".
std::string known_names(std::string_view word,
                        std::span<const std::string> known,
                        std::string_view list_is = "known are");

/// The value called `name` of an enum whose values 1 to `last` to_string()
/// names. Errors: invalid_argument, "'hihg' is unknown; did you mean ...".
template <class Enum>
Result<Enum> enum_named(std::string_view name, Enum last) {
  std::vector<std::string> known;
  for (int v = 1; v <= static_cast<int>(last); ++v) {
    const auto value = static_cast<Enum>(v);
    known.emplace_back(to_string(value));
    if (known.back() == name) return value;
  }
  return Error{
      Errc::invalid_argument,
      "'" + std::string(name) + "' is unknown" + known_names(name, known)};
}

}  // namespace troupe
