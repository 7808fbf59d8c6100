#include "kinds/noop.hpp"

#include <array>

#include "kinds/params.hpp"

namespace troupe {
namespace {

constexpr std::array<ParamInfo, 1> kParams{{
    {"payload", "string", "\"\"", "Carried along, not looked at."},
}};

void normalise(JobSpec& spec, std::vector<Fault>& faults) {
  const auto before = faults.size();
  ParamReader reader{spec, kParams, faults};
  reader.no_model();
  Json params = Json::object();
  params["payload"] = reader.text("payload", "").value_or("");
  if (faults.size() == before) spec.params = dump_json(params);
}

}  // namespace

const Kind& noop_kind() {
  static constexpr Kind kKind{.name = "noop",
                              .summary = "Does nothing, at once.",
                              .params = kParams,
                              .outside_effects = false,
                              .needs_model = false,
                              .normalise = &normalise};
  return kKind;
}

}  // namespace troupe
