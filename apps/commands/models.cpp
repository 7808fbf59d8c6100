// troupe models: which models are here, what they are, whether they are whole,
// and their tokens. Works on the folders themselves; needs no node.
#include <filesystem>
#include <iostream>

#include "apps/commands/commands.hpp"
#include "apps/model_desk.hpp"
#include "apps/model_lines.hpp"
#include "apps/model_names.hpp"
#include "models/describe.hpp"
#include "models/quantize.hpp"
#include "models/text/tokenizer.hpp"

namespace troupe::commands {
namespace {

namespace fs = std::filesystem;

// Of a name, or of any path.
Result<fs::path> folder_of(Invocation& call, const std::string& model) {
  const auto places = places_of(call.session);
  if (!places) return places.error();
  return named_model(*places, model);
}

ExitCode show(Invocation& call, const std::string& model) {
  const auto folder = folder_of(call, model);
  if (!folder) return call.misused(folder.error().message);
  const auto facts = facts_of(call.session, *folder);
  if (!facts) return call.fail(facts.error());
  if (call.json)
    call.print(model_json(*facts));
  else
    call.out() << model_text(*facts);
  return ExitCode::ok;
}

ExitCode check(Invocation& call, const std::string& model) {
  const auto folder = folder_of(call, model);
  if (!folder) return call.misused(folder.error().message);
  if (const auto good = check_model(*folder); !good)
    return call.fail(good.error());
  const auto places = places_of(call.session);
  if (!places) return call.misused(places.error());
  const auto source = model_source(*places, *folder);
  if (const auto good = check_packed(source); !good)
    return call.fail(good.error());
  for (const auto& copy : packed_copies(source))
    if (!copy.why_unused.empty())
      call.err() << "note: " << copy.why_unused << "\n";
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
      add_group(root, call, "models", "The models here and their tokens");
  add_models_add(*models, call);
  add_models_list(*models, call);
  add_models_quantize(*models, call);
  add_models_remove(*models, call);
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
