// `submit --json -`: one job a line in, one answer a line out, in the same
// order. What comes faster than the node answers travels together.
#pragma once

#include <istream>
#include <ostream>

#include "apps/exit_codes.hpp"
#include "client/client.hpp"
#include "core/kind.hpp"

namespace troupe {

/// Reads until the end of `in`. Each answer is flushed at once, so that a
/// program may wait for it before it writes the next line. The exit code is
/// that of the first job that was not accepted: `usage` where its line is
/// wrong by itself.
ExitCode submit_lines(client::Client& client, const Kinds& kinds,
                      std::istream& in, std::ostream& out);

}  // namespace troupe
