// Amounts as people write them: "30s", "1h30m", "512MiB", "2G". Refuses what
// has no unit where one could be guessed wrong, and what overflows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace troupe {

/// Milliseconds from "250ms", "30s", "5m", "2h", "7d", or several of them
/// from large to small ("1h30m"); fractions are fine ("1.5s"). "0" needs no
/// unit. Errors: invalid_argument, with what is understood.
Result<std::int64_t> parse_duration_ms(std::string_view text);

/// Bytes from "4096", "64K", "64KB", "512MiB", "2G", "1.5TiB"; K, M, G, T are
/// powers of 1024 however they are written. Errors: invalid_argument.
Result<std::int64_t> parse_bytes(std::string_view text);

/// The shortest exact form that parse_duration_ms reads: "1h30m", "250ms".
std::string exact_duration(std::int64_t ms);
/// The shortest exact form that parse_bytes reads: "64MiB", "1500".
std::string exact_bytes(std::int64_t bytes);

}  // namespace troupe
