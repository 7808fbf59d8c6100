// troupe models quantize: packs a model's weights once, for all loads to come.
#include <algorithm>
#include <memory>
#include <thread>

#include "apps/commands/commands.hpp"
#include "apps/model_desk.hpp"
#include "apps/model_names.hpp"
#include "apps/render/amounts.hpp"
#include "apps/render/table.hpp"
#include "core/nearest.hpp"
#include "models/quantize.hpp"

namespace troupe::commands {
namespace {

namespace fs = std::filesystem;
using kernels::WeightFormat;

struct QuantizeOptions {
  std::string model;
  std::string dtype = "int8";
  bool remove = false;
};

ExitCode tell(Invocation& call, const ModelSource& source,
              const PackedCopy& copy) {
  if (call.json)
    call.print({{"folder", source.folder.string()},
                {"dtype", to_string(copy.format)},
                {"file", copy.file.string()},
                {"bytes", copy.bytes}});
  else
    call.out() << "packed as " << to_string(copy.format) << " ("
               << render::bytes(copy.bytes) << ") in "
               << render::printable(copy.file.string())
               << "; loads take it from there\n";
  return ExitCode::ok;
}

// Of that format, used or not.
ExitCode take_away(Invocation& call, const ModelSource& source,
                   WeightFormat format) {
  Json removed = Json::array();
  for (const auto& path : packed_places(source, format)) {
    std::error_code failed;
    if (fs::remove(path, failed)) removed.push_back(path.string());
    if (failed)
      return call.fail({Errc::io_error,
                        "remove " + path.string() + ": " + failed.message()});
  }
  if (call.json)
    call.print({{"folder", source.folder.string()}, {"removed", removed}});
  else if (removed.empty())
    call.out() << "there was nothing packed as " << to_string(format) << "\n";
  else
    call.out() << "removed what was packed as " << to_string(format) << "\n";
  return ExitCode::ok;
}

ExitCode quantize(Invocation& call, const QuantizeOptions& o) {
  const auto places = places_of(call.session);
  if (!places) return call.misused(places.error());
  const auto folder = named_model(*places, o.model);
  if (!folder) return call.misused(folder.error().message);
  const auto format = enum_named(o.dtype, kernels::kLastWeightFormat);
  if (!format) return call.misused(format.error().message);
  const auto source = model_source(*places, *folder);
  if (o.remove) return take_away(call, source, *format);
  const auto files = model_files(*folder);
  if (!files) return call.fail(files.error());
  ThreadTeam team{
      std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1,
                 kMaxTeamThreads)};
  Context ctx;
  ctx.team = &team;
  PackedCopy copy;
  const auto packed = read_with_bar(
      call.session.terminal, folder->filename().string(), bytes_of(*files),
      [&](const ModelProgress& progress) -> Result<std::string> {
        auto made = quantize_model(source, *format, ctx, progress);
        if (!made) return made.error();
        copy = *std::move(made);
        return copy.file.string();
      });
  if (!packed) return call.fail(packed.error());
  return tell(call, source, copy);
}

}  // namespace

void add_models_quantize(CLI::App& models, Invocation& call) {
  auto o = std::make_shared<QuantizeOptions>();
  auto* command = add_command(models, call, "quantize",
                              "Pack a model's weights once, for all loads",
                              [&call, o] { return quantize(call, *o); });
  command->add_option("model", o->model, "A name, or a folder")
      ->type_name("MODEL")
      ->required();
  command->add_option("--dtype", o->dtype, "int8 (the default), int4 or bf16")
      ->type_name("DTYPE")
      ->check(CLI::IsMember({"int8", "int4", "bf16"}));
  command->add_flag("--remove", o->remove, "Take it away again");
}

}  // namespace troupe::commands
