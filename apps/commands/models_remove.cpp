// troupe models remove: takes a model out of the data folder.
#include <unistd.h>

#include <iostream>

#include "apps/commands/commands.hpp"
#include "apps/model_desk.hpp"
#include "apps/render/amounts.hpp"
#include "core/nearest.hpp"
#include "models/model_store.hpp"
#include "models/quantize.hpp"

namespace troupe::commands {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kNamedJobs = 20;

struct ModelRemoveOptions {
  std::string name;
  bool yes = false;
};

/// One of the data folder. Errors: not_found, with what is known there;
/// already_exists: it comes with the program.
Result<PlacedModel> owned_model(const ModelPlaces& places,
                                const std::string& name) {
  std::vector<std::string> known;
  bool comes_along = false;
  for (const auto& model : list_models(places)) {
    if (model.place == 0 && model.name == name) return model;
    if (model.place == 0) known.push_back(model.name);
    comes_along |= model.name == name;
  }
  if (comes_along)
    return Error{Errc::already_exists,
                 name +
                     " comes with the program and stays; only what troupe "
                     "models add brought can be removed"};
  auto text =
      "there is no model '" + name + "' in " + places.folders.front().string();
  if (!known.empty()) text += known_names(name, known);
  return Error{Errc::not_found, text};
}

/// Of jobs that have not ended, as far as a node answers.
Result<std::vector<std::string>> jobs_with(Session& session,
                                           const PlacedModel& model) {
  std::vector<std::string> ids;
  auto client = session.client();
  if (!client && session.no_node()) return ids;
  if (!client) return client.error();
  for (const auto& name : {model.name, model.folder.string()}) {
    ListRequest request;
    request.states = {JobState::blocked, JobState::queued, JobState::running};
    request.model = name;
    request.max_jobs = kNamedJobs;
    request.brief = true;
    const auto page = (*client)->list(request);
    if (!page) return page.error();
    for (const auto& job : page->jobs) ids.push_back(to_string(job.spec.id));
  }
  return ids;
}

Status check_unused(Session& session, const PlacedModel& model) {
  const auto ids = jobs_with(session, model);
  if (!ids) return ids.error();
  if (ids->empty()) return ok();
  std::string all;
  for (const auto& id : *ids) all += " " + id;
  return Error{Errc::already_exists,
               "jobs that have not ended need " + model.name +
                   "; wait for them, or type: troupe jobs cancel" + all};
}

std::string amount_of(const PlacedModel& model) {
  std::error_code none;
  if (fs::is_symlink(model.folder, none)) return "the link alone";
  const auto files = model_files(model.folder);
  return files ? render::bytes(bytes_of(*files)) : "what is left of it";
}

bool can_ask(const Session& session) {
  return !session.in_console && session.terminal.out_is_terminal &&
         ::isatty(STDIN_FILENO) == 1;
}

bool confirmed(const Session& session, const PlacedModel& model) {
  session.terminal.err << "remove " << model.folder.string() << " ("
                       << amount_of(model) << ")? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

ExitCode remove_folder(Invocation& call, const ModelRemoveOptions& options) {
  const auto data = call.session.node_folder();
  if (!data) return call.misused(data.error());
  const auto places = places_of(call.session);
  if (!places) return call.misused(places.error());
  const auto model = owned_model(*places, options.name);
  if (!model)
    return model.error().code == Errc::not_found
               ? call.misused(model.error().message)
               : call.fail(model.error());
  if (auto unused = check_unused(call.session, *model); !unused)
    return call.fail(unused.error());
  if (!options.yes) {
    if (call.json || !can_ask(call.session))
      return call.misused("it would remove " + model->folder.string() + " (" +
                          amount_of(*model) + ") for good: say --yes");
    if (!confirmed(call.session, *model)) {
      call.err() << "nothing was removed\n";
      return ExitCode::ok;
    }
  }
  // Found by the folder, which is gone then.
  const auto packed = packed_beside(model_source(*places, model->folder));
  const auto removed = remove_model(places->folders.front(), model->name);
  if (!removed) return call.fail(removed.error());
  std::error_code left;  // Only room on the disk; the next quantize looks too.
  for (const auto& file : packed) fs::remove(file, left);
  if (call.json)
    call.print({{"removed", model->name}, {"folder", model->folder.string()}});
  else
    call.out() << "removed " << model->name << "\n";
  return ExitCode::ok;
}

}  // namespace

void add_models_remove(CLI::App& models, Invocation& call) {
  auto o = std::make_shared<ModelRemoveOptions>();
  auto* command =
      add_command(models, call, "remove", "Take a model out of the data folder",
                  [&call, o] { return remove_folder(call, *o); });
  command->add_option("name", o->name, "Its name")
      ->type_name("NAME")
      ->required();
  command->add_flag("-y,--yes", o->yes, "Without asking");
}

}  // namespace troupe::commands
