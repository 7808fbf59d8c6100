#include "apps/completion.hpp"

#include <CLI/CLI.hpp>
#include <sstream>

#include "apps/command_line.hpp"
#include "apps/words.hpp"
#include "kinds/kinds.hpp"

namespace troupe {
namespace {

using Words = std::vector<std::string>;

void add_starting(Words& out, const Words& all, const std::string& start) {
  for (const auto& word : all)
    if (word.starts_with(start)) out.push_back(word);
}

/// The innermost command that `words` name.
CLI::App* walk(CLI::App& root, const Words& words) {
  auto* at = &root;
  for (const auto& word : words)
    for (auto* sub : at->get_subcommands([](CLI::App*) { return true; }))
      if (sub->get_name() == word) {
        at = sub;
        break;
      }
  return at;
}

}  // namespace

std::vector<std::string> completions(std::string_view before,
                                     const Kinds& kinds,
                                     const std::vector<std::string>& ids) {
  auto split = split_words(before);
  if (!split) return {};
  auto words = *std::move(split);
  std::string last;
  if (!before.empty() && before.back() != ' ' && !words.empty()) {
    last = words.back();
    words.pop_back();
  }
  std::ostringstream nowhere;
  Session session{{nowhere, nowhere}};
  session.in_console = true;
  Invocation call{session};
  CLI::App root;
  for (const auto& command : command_table())
    if (command.in_console) command.add(root, call);
  auto& at = *walk(root, words);
  Words found;
  for (const auto* sub : at.get_subcommands([](CLI::App*) { return true; }))
    add_starting(found, {sub->get_name()}, last);
  if (last.starts_with('-'))
    for (const auto* option : at.get_options())
      for (const auto& name : option->get_lnames())
        add_starting(found, {"--" + name}, last);
  if (at.get_name() == "submit" || at.get_name() == "run")
    add_starting(found, kind_names(kinds), last);
  if (!last.empty() &&
      at.get_subcommands([](CLI::App*) { return true; }).empty())
    add_starting(found, ids, last);
  if (&at == &root) add_starting(found, {"help", "exit"}, last);
  return found;
}

}  // namespace troupe
