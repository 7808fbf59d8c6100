// The names closest to a mistyped one, for messages that say what is known.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

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

}  // namespace troupe
