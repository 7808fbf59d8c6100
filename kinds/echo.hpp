// The kind `echo`: gives its text back, in steps that show progress. For
// trying a node out and for tests; models/echo serves it.
#pragma once

#include "core/kind.hpp"

namespace troupe {

inline constexpr std::int64_t kMaxEchoSteps = 1'000'000;
inline constexpr std::int64_t kMaxEchoStepMs = 200;  // A step is bounded.

const Kind& echo_kind();

}  // namespace troupe
