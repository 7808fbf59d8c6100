#include "kinds/echo.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "kinds/params.hpp"

namespace troupe {
namespace {

constexpr std::array<ParamInfo, 3> kParams{{
    {"text", "string", "", "What comes back; \"boom\" fails."},
    {"steps", "integer", "1", "Steps it takes, 1 to 1000000."},
    {"step_ms", "integer", "0", "Time one step takes, 0 to 200."},
}};

// What the echo engine holds for its runs (models/echo), with room to spare.
constexpr std::uint64_t kEchoBytes = 1 << 20;

void normalise(JobSpec& spec, std::vector<Fault>& faults) {
  const auto before = faults.size();
  ParamReader reader{spec, kParams, faults};
  reader.no_model();
  Json params = Json::object();
  params["text"] = reader.text("text").value_or("");
  params["steps"] = reader.integer("steps", 1, kMaxEchoSteps, 1);
  params["step_ms"] = reader.integer("step_ms", 0, kMaxEchoStepMs, 0);
  if (faults.size() != before) return;
  spec.params = dump_json(params);
  spec.memory_bytes = std::max(spec.memory_bytes, kEchoBytes);
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
