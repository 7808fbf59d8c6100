// JSON as Python's json.dumps(ensure_ascii=False) spells it: what chat
// templates put into prompts, and what models were trained on.
#pragma once

#include <string>

#include "codec/json.hpp"

namespace troupe {

/// Members in their order, ", " and ": " between, floats as Python's repr().
std::string python_json(const Json& value);

}  // namespace troupe
