// troupe models add: brings a model's folder into the data folder.
#include "apps/commands/commands.hpp"
#include "apps/model_desk.hpp"
#include "models/missing_file.hpp"
#include "models/model_store.hpp"

namespace troupe::commands {
namespace {

namespace fs = std::filesystem;

struct ModelAddOptions {
  std::string folder;
  std::string name;
  bool link = false;
};

NewModel new_model(const ModelAddOptions& options) {
  auto from = fs::absolute(options.folder).lexically_normal();
  if (from.filename().empty()) from = from.parent_path();
  const auto name =
      options.name.empty() ? from.filename().string() : options.name;
  return {std::move(from), name, options.link};
}

ExitCode tell_added(Invocation& call, const NewModel& model,
                    const ModelFacts& facts) {
  if (call.json) {
    auto json = model_json(facts);
    json["name"] = model.name;
    if (model.link) json["link"] = model.from.string();
    call.print(json);
    return ExitCode::ok;
  }
  call.out() << model_text(facts) << (model.link ? "linked as " : "added as ")
             << model.name;
  if (facts.description.chats)
    call.out() << "; to talk with it: troupe chat --model " << model.name;
  call.out() << "\n";
  return ExitCode::ok;
}

ExitCode add_folder(Invocation& call, const ModelAddOptions& options) {
  const auto data = call.session.node_folder();
  if (!data) return call.misused(data.error());
  const auto model = new_model(options);
  std::error_code failed;
  if (!fs::is_directory(model.from, failed))
    return call.misused("there is no folder " + model.from.string() + "; " +
                        what_a_model_has());
  if (auto fault = model_name_fault(model.name); !fault.empty())
    return call.misused(fault + (options.name.empty()
                                     ? "; give it another one with --name"
                                     : ""));
  auto described = describe_model(model.from);
  if (!described) return call.fail(described.error());
  const auto files = model_files(model.from);
  if (!files) return call.fail(files.error());
  auto rooms = device_rooms(call.session);
  if (!rooms) return call.refuse(rooms.error());
  const auto models = *data / "models";
  auto known = KnownHashes::load(hashes_file(models));
  auto added =
      read_with_bar(call.session.terminal, model.name, bytes_of(*files),
                    [&](const ModelProgress& progress) -> Result<std::string> {
                      auto folder = add_model(models, model, known, progress);
                      if (!folder) return folder.error();
                      return folder->string();
                    });
  if (!added) return call.fail(added.error());
  // The model is there; its hash is found out again where it cannot be kept.
  static_cast<void>(known.save());
  return tell_added(call, model,
                    {.folder = *added,
                     .description = *std::move(described),
                     .hash = known_model_hash(*added, known).value_or(""),
                     .devices = *std::move(rooms),
                     .packed = {}});
}

}  // namespace

void add_models_add(CLI::App& models, Invocation& call) {
  auto o = std::make_shared<ModelAddOptions>();
  auto* command =
      add_command(models, call, "add", "Copy a model into the data folder",
                  [&call, o] { return add_folder(call, *o); });
  command->add_option("folder", o->folder, "A Hugging Face folder, as it is")
      ->type_name("FOLDER")
      ->required();
  command->add_option("--name", o->name, "Its name (that of the folder)")
      ->type_name("NAME");
  command->add_flag("--link", o->link, "Make a link to it, and no copy");
}

}  // namespace troupe::commands
