// troupe models: what the models here are, whether they are whole, and their
// tokens. Works on the folders themselves; needs no node.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>

#include "apps/commands/commands.hpp"
#include "apps/model_lines.hpp"
#include "apps/model_names.hpp"
#include "apps/render/amounts.hpp"
#include "apps/render/table.hpp"
#include "models/describe.hpp"
#include "models/text/tokenizer.hpp"

namespace troupe::commands {
namespace {

namespace fs = std::filesystem;

// Of a name, or of any path.
Result<fs::path> folder_of(Invocation& call, const std::string& model) {
  auto data = call.session.data();
  if (!data) return data.error();
  return named_model(model_places(data->path), model);
}

Json to_json(const ModelDescription& d) {
  Json components = Json::array();
  std::uint64_t bytes = 0;
  for (const auto& component : d.components) {
    components.push_back(
        {{"name", component.name}, {"bytes", component.bytes}});
    bytes += component.bytes;
  }
  return {{"family", d.family},
          {"kinds", d.kinds},
          {"parameters", d.parameters},
          {"stored_bytes", d.stored_bytes},
          {"dtypes", d.dtypes},
          {"tokens", d.tokens},
          {"max_positions", d.max_positions},
          {"chats", d.chats},
          {"why_no_chat", d.why_no_chat},
          {"memory_bytes", bytes},
          {"components", components}};
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string to_text(const ModelDescription& d) {
  std::vector<std::vector<std::string>> rows{
      {"family", d.family},
      {"kinds", joined(d.kinds)},
      {"parameters", std::to_string(d.parameters)},
      {"on disk", render::bytes(d.stored_bytes) + ", " + joined(d.dtypes)},
      {"tokens", std::to_string(d.tokens)},
      {"context", std::to_string(d.max_positions) + " tokens"},
      {"chat", d.chats ? "yes" : "no: " + render::printable(d.why_no_chat)}};
  for (const auto& component : d.components)
    rows.push_back(
        {"memory, " + component.name, render::bytes(component.bytes)});
  return render::table(rows);
}

ExitCode show(Invocation& call, const std::string& model) {
  const auto folder = folder_of(call, model);
  if (!folder) return call.misused(folder.error().message);
  const auto described = describe_model(*folder);
  if (!described) return call.fail(described.error());
  if (call.json) {
    auto json = to_json(*described);
    json["folder"] = folder->string();
    call.print(json);
  } else {
    call.out() << to_text(*described);
  }
  return ExitCode::ok;
}

ExitCode check(Invocation& call, const std::string& model) {
  const auto folder = folder_of(call, model);
  if (!folder) return call.misused(folder.error().message);
  if (const auto good = check_model(*folder); !good)
    return call.fail(good.error());
  if (call.json)
    call.print({{"ok", true}, {"folder", folder->string()}});
  else
    call.out() << folder->string() << " is whole\n";
  return ExitCode::ok;
}

ExitCode lines(Invocation& call, const std::string& model,
               Result<Json> (*one)(const Tokenizer&, const Json&)) {
  if (call.session.in_console)
    return call.misused(
        "its lines come from standard input, which the console reads; call it "
        "from a shell");
  const auto folder = folder_of(call, model);
  if (!folder) return call.misused(folder.error().message);
  const auto tokenizer = Tokenizer::load(*folder);
  if (!tokenizer) return call.fail(tokenizer.error());
  return model_lines(*tokenizer, one, std::cin, call.out());
}

}  // namespace

void add_models(CLI::App& root, Invocation& call) {
  auto* models =
      root.add_subcommand("models", "Look at models and their tokens");
  models->require_subcommand(1);
  const auto add = [&](const std::string& name, const std::string& help,
                       ExitCode (*act)(Invocation&, const std::string&)) {
    auto model = std::make_shared<std::string>();
    auto* command = add_command(*models, call, name, help, [&call, model, act] {
      return act(call, *model);
    });
    command->add_option("model", *model, "A name, or a folder")
        ->required()
        ->type_name("MODEL");
  };
  add("show", "What a model is and what it takes", show);
  add("check", "Read all of a model and say whether it is whole", check);
  add("tokenize",
      R"(JSON lines {"text":...} from standard input to {"ids":...})",
      [](Invocation& c, const std::string& model) {
        return lines(c, model, tokenize_line);
      });
  add("detokenize",
      R"(JSON lines {"ids":...} from standard input to {"text":...})",
      [](Invocation& c, const std::string& model) {
        return lines(c, model, detokenize_line);
      });
}

}  // namespace troupe::commands
