// troupe version: which build this program is.
#include "apps/commands/commands.hpp"
#include "core/build_info.hpp"

namespace troupe::commands {
namespace {

ExitCode version(Invocation& call) {
  if (call.json)
    call.print({{"version", build_version()}, {"commit", build_commit()}});
  else
    call.out() << "troupe " << build_version() << " (" << build_commit()
               << ")\n";
  return ExitCode::ok;
}

}  // namespace

void add_version(CLI::App& root, Invocation& call) {
  add_command(root, call, "version", "This program's version and commit",
              [&call] { return version(call); });
}

}  // namespace troupe::commands
