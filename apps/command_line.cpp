#include "apps/command_line.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "apps/render/json.hpp"
#include "apps/render/table.hpp"
#include "core/build_info.hpp"
#include "core/nearest.hpp"
#include "kinds/submit_check.hpp"

namespace troupe {
namespace {

/// "--name=": CLI11 would take the word behind it for the value.
bool has_empty_value(const std::string& word) {
  return word.starts_with("--") && word.find('=') == word.size() - 1;
}

/// What stands before and after the first "--".
void split(const std::vector<std::string>& words, Invocation& call,
           std::vector<std::string>& before) {
  auto mark = std::find(words.begin(), words.end(), "--");
  for (auto word = words.begin(); word != mark; ++word) {
    const bool is_empty = has_empty_value(*word);
    before.push_back(is_empty ? word->substr(0, word->size() - 1) : *word);
    if (is_empty) before.emplace_back();
  }
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

/// The option that an exception of CLI11 is about: its text begins with that.
const CLI::Option* option_of(const CLI::App& at, std::string text) {
  const CLI::Option* found = nullptr;
  if (const std::string no = "Could not convert: "; text.starts_with(no))
    text.erase(0, no.size());
  for (const auto* option : at.get_options()) {
    const auto name = option->get_name();
    if (text.starts_with(name + ":") || text.starts_with(name + " "))
      found = option;
  }
  return found;
}

/// Those of the program and of every command that was named, outermost first.
std::vector<const CLI::Option*> options_in_play(const CLI::App& root) {
  std::vector<const CLI::Option*> all;
  for (const auto* at = &root; at;) {
    for (const auto* option : at->get_options()) all.push_back(option);
    const auto named = at->get_subcommands();
    at = named.empty() ? nullptr : named.back();
  }
  return all;
}

/// An option with one value that has more, be it before and behind the word
/// that names the command; empty: none.
std::string repeated_option(const CLI::App& root) {
  std::map<std::string, std::size_t> values;
  for (const auto* option : options_in_play(root)) {
    if (option->get_positional() || option->get_expected_max() != 1) continue;
    const auto name = option->get_name();
    if ((values[name] += option->results().size()) > 1)
      return name + " is given twice; keep one of them";
  }
  return {};
}

/// What CLI11 says of an option, in our words.
std::string option_reason(const CLI::App& at, const CLI::ParseError& e) {
  std::string text = e.what();
  const auto* option = option_of(at, text);
  if (dynamic_cast<const CLI::ValidationError*>(&e) || !option) return text;
  const auto type = option->get_type_name();
  if (option->get_positional()) return type + " is missing";
  if (option->get_expected_max() == 0)
    return option->get_name() + " takes no value";
  if (dynamic_cast<const CLI::RequiredError*>(&e))
    return option->get_name() + " " + type +
           " is missing: " + option->get_description();
  return option->get_name() + " needs a value: " + type;
}

/// The outermost command on the way to the one that was named of which words
/// are left that it does not know; where there is none, the one named.
CLI::App& refuser(CLI::App& app) {
  for (auto* at = &app;; at = at->get_subcommands().back())
    if (!at->remaining().empty() || at->get_subcommands().empty()) return *at;
}

/// One that no command between the program and `at` has, but `named` may.
std::string unknown_option(const CLI::App& at, const CLI::App& named,
                           const std::string& text) {
  const auto word = text.substr(0, text.find('='));
  const auto theirs = option_names(named);
  if (std::ranges::find(theirs, word) != theirs.end())
    return "'" + word + "' stands behind '" + full_name(named) + "'";
  return "unknown option '" + word + "'" + did_you_mean(word, option_names(at));
}

/// Why CLI11 refused the words, in ours.
std::string reason(CLI::App& at, const CLI::App& named,
                   const CLI::ParseError& e) {
  const auto left = at.remaining();
  if (!left.empty() && left.front().starts_with("-"))
    return unknown_option(at, named, left.front());
  const auto commands = command_names(at);
  if (!left.empty() && !commands.empty())
    return "unknown command '" + left.front() + "'" +
           known_names(left.front(), commands);
  if (!left.empty()) return "'" + left.front() + "' is one argument too many";
  if (!commands.empty() && !option_of(at, e.what()))
    return "which one? " + known_names("", commands).substr(2);
  return option_reason(at, e);
}

ExitCode refuse(CLI::App& root, Invocation& call, const CLI::ParseError& e) {
  auto& at = refuser(root);
  call.command = &at;
  if (auto wrong = repeated_option(root); !wrong.empty())
    return call.misused(wrong);
  return call.misused(reason(at, innermost(root), e));
}

std::string empty_text(const CLI::Option& option) {
  const auto type = option.get_type_name();
  if (option.get_positional())
    return type + " is empty; type one" +
           (option.get_required() ? "" : " or leave it out");
  const auto name = option.get_name();
  return name + " is empty; type " + name + " " + type + " or leave it out";
}

/// A value that is there but empty, as of a shell's variable that is not set,
/// would count as none given.
std::vector<Fault> empty_values(const CLI::App& root, const Invocation& call) {
  std::vector<Fault> faults;
  for (const auto* option : options_in_play(root)) {
    if (option->get_expected_max() == 0 ||
        std::ranges::count(call.may_be_empty, option) > 0)
      continue;
    if (std::ranges::count(option->results(), std::string{}) > 0)
      faults.push_back({"", empty_text(*option)});
  }
  return faults;
}

bool takes_rest(const CLI::App& app) {
  if (!app.get_parent() || app.get_parent()->get_parent()) return false;
  return std::ranges::any_of(command_table(), [&](const Command& command) {
    return command.name == app.get_name() && command.takes_rest;
  });
}

/// The help of CLI11 with the whole command and what may stand after "--".
class HelpText : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string) const override {
    auto text = "Usage: " + full_name(*app) + " [OPTIONS]";
    for (const auto* option : app->get_options())
      if (option->get_positional()) {
        const bool many = option->get_expected_max() > 1;
        const auto name = option->get_type_name() + (many ? "..." : "");
        text += option->get_required() ? " " + name : " [" + name + "]";
      }
    if (!app->get_subcommands([](const CLI::App*) { return true; }).empty())
      text += app->get_require_subcommand_min() > 0 ? " COMMAND" : " [COMMAND]";
    return text + (takes_rest(*app) ? " [-- ARGV...]" : "") + "\n\n";
  }
};

ExitCode help(const Invocation& call, const std::string& text) {
  if (call.json)
    call.print({{"help", text}});
  else
    call.out() << text << std::flush;
  return ExitCode::ok;
}

/// Words that CLI11 must not see, or a command that refuses them.
bool refuses_rest(CLI::App& root, const Invocation& call) {
  return call.has_rest && !takes_rest(innermost(root));
}

void add_all(CLI::App& root, Invocation& call) {
  for (const auto& command : command_table())
    if (command.in_console || !call.session.in_console) command.add(root, call);
}

void add_common_options(CLI::App& command, Invocation& call) {
  command
      .add_option("--data", call.session.data_flag, "Data folder of the node")
      ->type_name("DIR");
  command.add_flag("--json", call.json, "Print JSON, for scripts");
}

}  // namespace

ExitCode run_command_line(const std::vector<std::string>& words,
                          Session& session) {
  Invocation call{session, session.json};
  std::vector<std::string> before;
  split(words, call, before);
  if (!before.empty() && before.front() == "help") {
    before.erase(before.begin());
    before.push_back("--help");
  }
  CLI::App root{"Runs jobs on your own machines and never loses one.",
                "troupe"};
  root.set_version_flag("--version", "troupe " + std::string(build_version()) +
                                         " (" + std::string(build_commit()) +
                                         ")");
  root.formatter(std::make_shared<HelpText>());
  root.require_subcommand(1);
  root.add_option("--data", session.data_flag,
                  "Data folder of the node (default: TROUPE_DATA, else under "
                  "XDG_DATA_HOME)")
      ->type_name("DIR");
  root.add_flag("--json", call.json, "Print JSON, for scripts");
  add_all(root, call);
  // CLI11 stops at a wrong word: the flag may stand behind it.
  const bool wants_json = call.json || std::find(before.begin(), before.end(),
                                                 "--json") != before.end();
  // It takes the words from the back, and takes them away.
  std::reverse(before.begin(), before.end());
  try {
    root.parse(before);
    call.json |= wants_json;
  } catch (const CLI::CallForHelp&) {
    call.json |= wants_json;
    return help(call, innermost(root).help());
  } catch (const CLI::CallForVersion& e) {
    call.json |= wants_json;
    return help(call, std::string(e.what()) + "\n");
  } catch (const CLI::ParseError& e) {
    call.json |= wants_json;
    return refuse(root, call, e);
  }
  if (auto wrong = repeated_option(root); !wrong.empty())
    return call.misused(wrong);
  if (auto faults = empty_values(root, call); !faults.empty())
    return call.misused(submit_error(std::move(faults)));
  if (refuses_rest(root, call)) return call.misused("takes nothing after '--'");
  const auto code = call.action ? call.action() : ExitCode::usage;
  call.out().flush();
  return code;
}

CLI::App* add_group(CLI::App& root, Invocation& call, const std::string& name,
                    const std::string& help) {
  auto* group = root.add_subcommand(name, help);
  group->require_subcommand(1);
  add_common_options(*group, call);
  return group;
}

CLI::App* add_command(CLI::App& parent, Invocation& call,
                      const std::string& name, const std::string& help,
                      std::function<ExitCode()> action) {
  auto* command = parent.add_subcommand(name, help);
  add_common_options(*command, call);
  command->callback([&call, command, action = std::move(action)] {
    call.command = command;
    call.action = action;
  });
  return command;
}

CLI::Option* add_number(CLI::App& command, const std::string& names,
                        std::int64_t& value, const std::string& help,
                        const std::string& type, std::int64_t min,
                        std::int64_t max) {
  const auto option = names.substr(names.find("--"));
  const auto read = [&value, option, min, max](const std::string& text) {
    std::int64_t number = 0;
    const auto* end = text.data() + text.size();
    const auto got = std::from_chars(text.data(), end, number);
    if (got.ec != std::errc{} || got.ptr != end || number < min || number > max)
      throw CLI::ValidationError(
          option, "'" + text + "' is no whole number from " +
                      std::to_string(min) + " to " + std::to_string(max));
    value = number;
  };
  return command.add_option_function<std::string>(names, read, help)
      ->type_name(type);
}

std::string error_text(const Error& error, const std::string& who) {
  auto text = who + ": " + error.message + "\n";
  // The message has the first one already, or has them all.
  const bool has_all = error.message.find('\n') != error.message.npos;
  for (std::size_t i = 0; i < error.faults.size(); ++i) {
    const auto& fault = error.faults[i];
    const bool told = error.message.find(fault.message) != error.message.npos;
    const bool with_path =
        error.message.find((fault.path.empty() ? "" : fault.path + " ") +
                           fault.message) != error.message.npos;
    if (with_path || (told && (i == 0 || has_all))) continue;
    text += "  " + (fault.path.empty() ? "" : fault.path + ": ") +
            fault.message + "\n";
  }
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

ExitCode Invocation::misused(const Error& error) const {
  const auto name = command ? full_name(*command) : "troupe";
  err() << error_text(error, name) << "See '" << name << " --help'.\n"
        << std::flush;
  if (json) print(Json{{"error", render::error(error)}});
  return ExitCode::usage;
}

ExitCode Invocation::misused(const std::string& message) const {
  return misused(Error{Errc::invalid_argument, message});
}

ExitCode Invocation::refuse(const Error& error) const {
  return error.code == Errc::invalid_argument ? misused(error) : fail(error);
}

void Invocation::print(const Json& json) const {
  out() << dump_json(json) << "\n" << std::flush;
}

}  // namespace troupe
