// What every device program does, whatever device it opens. Part of those
// programs, not of `troupe`.
#pragma once

#include <string_view>

#include "kernels/context.hpp"

namespace troupe {

/// To be called first: people's own programs come before this process, and a
/// closed pipe or Ctrl-C in the node's terminal does not end it.
void become_device_process();

/// Serves the node at standard input and output until it closes them. `context`
/// is the opened device's. Returns main()'s answer; what went wrong is on
/// standard error.
int serve_node(std::string_view program, const Context& context);

}  // namespace troupe
