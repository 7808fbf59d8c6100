// How fast a machine reads its memory: what decoding cannot beat.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/context.hpp"

namespace troupe::bench {

/// Bytes a second; the best of several loops over `memory`, all of the team's
/// threads at once. REQUIRES: more bytes than any cache holds.
double read_rate(const Context& ctx, std::span<const std::byte> memory);

}  // namespace troupe::bench
