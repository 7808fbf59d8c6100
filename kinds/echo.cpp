#include "kinds/echo.hpp"

#include <array>

#include "kinds/params.hpp"

namespace troupe {
namespace {

constexpr std::array<ParamInfo, 3> kParams{{
    {"text", "string", "", "What comes back; \"boom\" fails."},
    {"steps", "integer", "1", "Steps it takes, 1 to 1000000."},
    {"step_ms", "integer", "0", "Time one step takes, 0 to 200."},
}};

void normalise(JobSpec& spec, std::vector<Fault>& faults) {
  const auto before = faults.size();
  ParamReader reader{spec, kParams, faults};
  reader.no_model();
  Json params = Json::object();
  params["text"] = reader.text("text").value_or("");
  params["steps"] = reader.integer("steps", 1, kMaxEchoSteps, 1);
  params["step_ms"] = reader.integer("step_ms", 0, kMaxEchoStepMs, 0);
  if (faults.size() == before) spec.params = dump_json(params);
}

}  // namespace

const Kind& echo_kind() {
  static constexpr Kind kKind{
      .name = "echo",
      .summary = "Gives its text back; for trying a node out.",
      .params = kParams,
      .outside_effects = false,
      .needs_model = false,
      .normalise = &normalise};
  return kKind;
}

}  // namespace troupe
