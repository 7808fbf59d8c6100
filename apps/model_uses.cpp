#include "apps/model_uses.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include "kinds/submit_check.hpp"

namespace troupe {
namespace {

ClassUse class_use(const ModelNeeds& needs, const std::string& model,
                   const std::string& klass) {
  ClassUse use{klass, {}, {}, needs.batch};
  const auto name = needs.setting.empty() ? model : model + " " + needs.setting;
  for (const auto& component : needs.components)
    use.parts.push_back({name, component.name, component.bytes});
  return use;
}

}  // namespace

std::vector<Fault> model_faults(const ModelPlaces& places,
                                const JobSpec& spec) {
  if (spec.model.empty() || !family_of(spec.kind)) return {};
  const auto limits = NeedsCache{places}.limits(spec.model, spec.kind);
  const auto fits =
      limits ? request_fits(*limits, {spec.kind, spec.params}) : limits.error();
  return fits ? std::vector<Fault>{} : faults_of_model(spec, fits.error());
}

void touch_model(const ModelPlaces& places, const std::string& name) {
  const auto folder = find_model(places, name);
  std::error_code failed;
  if (folder)
    static_cast<void>(std::filesystem::status(*folder / "config.json", failed));
}

Result<ModelUse> model_use(NeedsCache& cache, const std::vector<Gpu>& gpus,
                           const JobSpec& spec) {
  const Request request{spec.kind, spec.params};
  const auto limits = cache.limits(spec.model, spec.kind);
  if (!limits) return limits.error();
  if (auto fits = request_fits(*limits, request); !fits) return fits.error();
  ModelUse all;
  const auto add = [&](const Result<ModelNeeds>& needs, std::string klass) {
    if (!needs) return ClassUse{std::move(klass), {}, needs.error().message};
    auto use = class_use(*needs, spec.model, klass);
    if (!use.parts.empty()) all.model = use.parts.front().model;
    return use;
  };
  const auto on_cpu = cache.needs(spec.model, request);
  bool runs = static_cast<bool>(on_cpu);
  all.other = add(on_cpu, {});
  for (const auto& gpu : gpus) {
    if (!all.on(gpu.info.klass).klass.empty()) continue;  // Known by now.
    const auto there = cache.needs(
        spec.model, request,
        {.backend = Backend::cuda, .ordinal = gpu.ordinal, .sm = gpu.sm});
    runs = runs || static_cast<bool>(there);
    all.classes.push_back(add(there, gpu.info.klass));
  }
  if (!runs) return on_cpu.error();
  return all;
}

}  // namespace troupe
