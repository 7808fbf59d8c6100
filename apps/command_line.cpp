#include "apps/command_line.hpp"

#include <algorithm>

#include "apps/render/json.hpp"
#include "apps/render/table.hpp"
#include "config/nearest.hpp"
#include "core/build_info.hpp"

namespace troupe {
namespace {

/// What stands before and after the first "--".
void split(const std::vector<std::string>& words, Invocation& call,
           std::vector<std::string>& before) {
  auto mark = std::find(words.begin(), words.end(), "--");
  before.assign(words.begin(), mark);
  call.has_rest = mark != words.end();
  if (call.has_rest) call.rest.assign(mark + 1, words.end());
}

/// The innermost subcommand that was named.
CLI::App& innermost(CLI::App& app) {
  auto* at = &app;
  for (auto subs = at->get_subcommands(); !subs.empty();
       subs = at->get_subcommands())
    at = subs.back();
  return *at;
}

std::string full_name(const CLI::App& app) {
  if (!app.get_parent()) return "troupe";
  return full_name(*app.get_parent()) + " " + app.get_name();
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> command_names(CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* sub :
       app.get_subcommands([](CLI::App* s) { return !s->get_group().empty(); }))
    names.push_back(sub->get_name());
  return names;
}

/// Why CLI11 refused the words, in ours.
std::string reason(CLI::App& at, const CLI::ParseError& e) {
  const auto left = at.remaining();
  if (!left.empty() && left.front().starts_with("-")) {
    auto word = left.front().substr(0, left.front().find('='));
    return "unknown option '" + word + "'" +
           did_you_mean(word, option_names(at));
  }
  const auto commands = command_names(at);
  if (!left.empty() && !commands.empty())
    return "unknown command '" + left.front() + "'" +
           known_names(left.front(), commands);
  if (!left.empty()) return "'" + left.front() + "' is one argument too many";
  if (!commands.empty())
    return "which one? " + known_names("", commands).substr(2);
  return e.what();
}

ExitCode refuse(CLI::App& root, Invocation& call, const CLI::ParseError& e) {
  auto& at = innermost(root);
  call.command = &at;
  return call.misused(reason(at, e));
}

/// Words that CLI11 must not see, or a command that refuses them.
bool refuses_rest(const CLI::App& root, const Invocation& call) {
  if (!call.has_rest) return false;
  for (const auto* sub : root.get_subcommands())
    for (const auto& command : command_table())
      if (command.name == sub->get_name()) return !command.takes_rest;
  return true;
}

void add_all(CLI::App& root, Invocation& call) {
  for (const auto& command : command_table())
    if (command.in_console || !call.session.in_console) command.add(root, call);
}

}  // namespace

ExitCode run_command_line(const std::vector<std::string>& words,
                          Session& session) {
  Invocation call{session};
  std::vector<std::string> before;
  split(words, call, before);
  CLI::App root{"Runs jobs on your own machines and never loses one.",
                "troupe"};
  root.set_version_flag("--version", "troupe " + std::string(build_version()) +
                                         " (" + std::string(build_commit()) +
                                         ")");
  root.require_subcommand(1);
  root.add_option("--data", session.data_flag,
                  "Data folder of the node (default: TROUPE_DATA, else under "
                  "XDG_DATA_HOME)")
      ->type_name("DIR");
  root.add_flag("--json", call.json, "Print JSON, for scripts");
  add_all(root, call);
  // CLI11 stops at a wrong word: the flag may stand behind it.
  const bool wants_json =
      std::find(before.begin(), before.end(), "--json") != before.end();
  // It takes the words from the back, and takes them away.
  std::reverse(before.begin(), before.end());
  try {
    root.parse(before);
  } catch (const CLI::CallForHelp&) {
    call.out() << innermost(root).help();
    return ExitCode::ok;
  } catch (const CLI::CallForVersion& e) {
    call.out() << e.what() << "\n";
    return ExitCode::ok;
  } catch (const CLI::ParseError& e) {
    call.json |= wants_json;
    return refuse(root, call, e);
  }
  if (refuses_rest(root, call)) return call.misused("takes nothing after '--'");
  const auto code = call.action ? call.action() : ExitCode::usage;
  call.out().flush();
  return code;
}

CLI::App* add_command(CLI::App& parent, Invocation& call,
                      const std::string& name, const std::string& help,
                      std::function<ExitCode()> action) {
  auto* command = parent.add_subcommand(name, help);
  command
      ->add_option("--data", call.session.data_flag, "Data folder of the node")
      ->type_name("DIR");
  command->add_flag("--json", call.json, "Print JSON, for scripts");
  command->callback([&call, command, action = std::move(action)] {
    call.command = command;
    call.action = action;
  });
  return command;
}

std::string error_text(const Error& error) {
  auto text = "troupe: " + error.message + "\n";
  // One fault alone is the message already.
  if (error.faults.size() > 1)
    for (const auto& fault : error.faults)
      if (error.message.find(fault.message) == error.message.npos ||
          error.message.find('\n') == error.message.npos)
        text += "  " + (fault.path.empty() ? "" : fault.path + ": ") +
                fault.message + "\n";
  if (error.retry_after_ms > 0)
    text += "  try again in " + std::to_string(error.retry_after_ms) + " ms\n";
  return text;
}

ExitCode Invocation::fail(const Error& error) const {
  err() << error_text(error) << std::flush;
  if (json) print(Json{{"error", render::error(error)}});
  if (session.no_node() && error.code == Errc::unavailable)
    return ExitCode::no_node;
  return exit_code(error.code);
}

ExitCode Invocation::misused(const std::string& message) const {
  const auto name = command ? full_name(*command) : "troupe";
  err() << name << ": " << message << "\n"
        << "See '" << name << " --help'.\n"
        << std::flush;
  if (json)
    print(Json{{"error", render::error({Errc::invalid_argument, message})}});
  return ExitCode::usage;
}

void Invocation::print(const Json& json) const {
  out() << dump_json(json) << "\n" << std::flush;
}

}  // namespace troupe
