// One command line from words to exit code. Knows the table of subcommands;
// each is a file in apps/commands/.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "apps/exit_codes.hpp"
#include "apps/session.hpp"
#include "codec/json.hpp"

namespace troupe {

/// Runs one command line, without the program's name. Prints errors itself.
ExitCode run_command_line(const std::vector<std::string>& words,
                          Session& session);

/// What a subcommand sees of the command line it was called with.
struct Invocation {
  Session& session;
  bool json = false;
  std::vector<std::string> rest = {};  // What stands after "--".
  bool has_rest = false;
  std::function<ExitCode()> action = {};
  CLI::App* command = nullptr;  // Whose action that is.

  std::ostream& out() const { return session.terminal.out; }
  std::ostream& err() const { return session.terminal.err; }

  /// Says what went wrong, to people on stderr and with --json as
  /// {"error":{...}} on stdout.
  ExitCode fail(const Error& error) const;
  /// The same where the command line is at fault: exit code `usage`.
  ExitCode misused(const std::string& message) const;
  /// One object on one line of stdout.
  void print(const Json& json) const;
};

struct Command {
  std::string_view name;
  /// Adds itself to `root`; its options live as long as `root`.
  void (*add)(CLI::App& root, Invocation& call);
  bool in_console = true;
  bool takes_rest = false;
};

/// In the order of the help text.
const std::vector<Command>& command_table();

/// Adds `name` to `parent` with --data, --json and the action.
CLI::App* add_command(CLI::App& parent, Invocation& call,
                      const std::string& name, const std::string& help,
                      std::function<ExitCode()> action);

/// "troupe: " and the error with its faults, one a line.
std::string error_text(const Error& error);

}  // namespace troupe
