// One command line from words to exit code. Knows the table of subcommands;
// each is a file in apps/commands/.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
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
  // Options whose empty value means something; of the others it is misuse.
  std::vector<const CLI::Option*> may_be_empty = {};

  std::ostream& out() const { return session.terminal.out; }
  std::ostream& err() const { return session.terminal.err; }

  /// Says what went wrong, to people on stderr and with --json as
  /// {"error":{...}} on stdout.
  ExitCode fail(const Error& error) const;
  /// The same where the command line is at fault, which the program itself can
  /// judge: exit code `usage`.
  ExitCode misused(const Error& error) const;
  ExitCode misused(const std::string& message) const;
  /// One of the two: misused() where `error` is an invalid argument.
  ExitCode refuse(const Error& error) const;
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

/// Adds `name` to `root` with --data and --json; without one of the
/// subcommands that are to follow it is misuse.
CLI::App* add_group(CLI::App& root, Invocation& call, const std::string& name,
                    const std::string& help);

/// Adds `name` to `parent` with --data, --json and the action.
CLI::App* add_command(CLI::App& parent, Invocation& call,
                      const std::string& name, const std::string& help,
                      std::function<ExitCode()> action);

/// An option that takes a whole number from `min` to `max`; anything else is
/// misuse.
CLI::Option* add_number(CLI::App& command, const std::string& names,
                        std::int64_t& value, const std::string& help,
                        const std::string& type, std::int64_t min,
                        std::int64_t max);

/// The error after "`who`: ", its faults, one a line, and its hint.
std::string error_text(const Error& error, const std::string& who = "troupe");

}  // namespace troupe
