// troupe models list: the models of the data folder and those that come with
// the program, broken ones too.
#include "apps/commands/commands.hpp"
#include "apps/model_desk.hpp"
#include "apps/render/amounts.hpp"
#include "apps/render/json.hpp"
#include "apps/render/table.hpp"
#include "models/model_store.hpp"

namespace troupe::commands {
namespace {

namespace fs = std::filesystem;

/// Where a link leads; empty: it is none.
std::string link_of(const fs::path& folder) {
  std::error_code none;
  return fs::is_symlink(folder, none) ? fs::read_symlink(folder, none).string()
                                      : "";
}

/// A link of the program's own is its business.
std::string place_text(const PlacedModel& model) {
  if (model.place != 0) return "with the program";
  const auto link = link_of(model.folder);
  return link.empty() ? "data folder" : "-> " + link;
}

Json place_json(const PlacedModel& model) {
  Json json{{"name", model.name},
            {"folder", model.folder.string()},
            {"place", model.place == 0 ? "data" : "program"},
            {"hidden", model.hidden}};
  if (const auto link = link_of(model.folder);
      model.place == 0 && !link.empty())
    json["link"] = link;
  return json;
}

class ModelListing {
 public:
  ModelListing(Invocation& call, std::vector<DeviceRoom> rooms,
               KnownHashes known, const ModelPlaces& places)
      : call_{call},
        rooms_{std::move(rooms)},
        known_{std::move(known)},
        places_{places} {}

  void take(const PlacedModel& model) {
    auto described = describe_model(model.folder);
    if (call_.json)
      print(model, std::move(described));
    else
      row(model, described);
  }

  void end() const {
    if (!call_.json && rows_.size() > 1) call_.out() << render::table(rows_);
  }

 private:
  void print(const PlacedModel& model, Result<ModelDescription> described) {
    auto json = place_json(model);
    if (described)
      json.update(model_json(
          {.folder = model.folder,
           .description = *std::move(described),
           .hash = known_model_hash(model.folder, known_).value_or(""),
           .devices = rooms_,
           .packed = packed_copies(model_source(places_, model.folder))}));
    else
      json["error"] = render::error(described.error());
    call_.print(json);
  }

  void row(const PlacedModel& model,
           const Result<ModelDescription>& described) {
    auto where = render::printable(place_text(model));
    if (model.hidden) where += "; the one above hides it";
    const auto name = render::printable(model.name);
    if (!described) {
      rows_.push_back({name, "-", "-", "-", "-", "-", "-",
                       where + "; broken: " +
                           render::printable(described.error().message)});
      return;
    }
    const auto bytes = memory_of(*described);
    rows_.push_back(
        {name, described->family, count_text(described->parameters),
         render::bytes(described->stored_bytes), render::bytes(bytes),
         fits_text(*described, rooms_),
         packed_text(packed_copies(model_source(places_, model.folder))),
         where});
  }

  Invocation& call_;
  const std::vector<DeviceRoom> rooms_;
  const KnownHashes known_;
  const ModelPlaces& places_;
  std::vector<std::vector<std::string>> rows_{{"NAME", "FAMILY", "PARAMETERS",
                                               "ON DISK", "MEMORY", "FITS",
                                               "PACKED", "WHERE"}};
};

ExitCode list_all_models(Invocation& call) {
  const auto data = call.session.node_folder();
  if (!data) return call.misused(data.error());
  const auto places = places_of(call.session);
  if (!places) return call.misused(places.error());
  auto rooms = device_rooms(call.session);
  if (!rooms) return call.refuse(rooms.error());
  const auto models = list_models(*places);
  ModelListing listing{call, *std::move(rooms),
                       KnownHashes::load(hashes_file(places->folders.front())),
                       *places};
  for (const auto& model : models) listing.take(model);
  listing.end();
  if (models.empty())
    call.err() << "There is no model yet; to bring one: troupe models add "
                  "FOLDER\n";
  return ExitCode::ok;
}

}  // namespace

void add_models_list(CLI::App& models, Invocation& call) {
  add_command(models, call, "list", "All models, and where they fit",
              [&call] { return list_all_models(call); });
}

}  // namespace troupe::commands
