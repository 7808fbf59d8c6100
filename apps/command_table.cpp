// The table of subcommands: a new one is one line here.
#include "apps/command_line.hpp"
#include "apps/commands/commands.hpp"

namespace troupe {

const std::vector<Command>& command_table() {
  using namespace commands;
  static const std::vector<Command> kTable{
      {"node", add_node, false},
      {"submit", add_submit, true, true},
      {"run", add_run, true, true},
      {"chat", add_chat},
      {"jobs", add_jobs},
      {"artifacts", add_artifacts},
      {"models", add_models},
      {"queue", add_queue},
      {"console", add_console, false},
      {"backup", add_backup},
      {"clients", add_clients},
      {"doctor", add_doctor},
      {"config", add_config},
      {"version", add_version},
  };
  return kTable;
}

}  // namespace troupe
