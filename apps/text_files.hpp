// What is wrong with the file that a text's prompt or messages stand in, found
// out before it is uploaded. Pure.
#pragma once

#include <string>
#include <vector>

#include "core/kind.hpp"

namespace troupe {

/// What the kind would say of the parameter `name` ("prompt", "messages") if
/// its value stood in the job itself; also that it is no UTF-8, no JSON.
std::vector<Fault> text_file_faults(const Kind& kind, const std::string& name,
                                    const std::string& text);

}  // namespace troupe
