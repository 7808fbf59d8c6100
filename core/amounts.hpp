// Amounts as the node's sentences name them.
#pragma once

#include <cstdint>
#include <string>

namespace troupe {

/// "512 bytes", "3 MiB", "1.5 GiB".
std::string bytes_text(std::uint64_t bytes);

/// "1 job", "2 jobs".
std::string count_of(std::uint64_t n, const char* what);

}  // namespace troupe
