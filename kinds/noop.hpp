// The kind `noop`: done at once. For benches and for measuring a node.
#pragma once

#include "core/kind.hpp"

namespace troupe {

const Kind& noop_kind();

}  // namespace troupe
