#include "kinds/params.hpp"

#include <algorithm>

#include "core/nearest.hpp"

namespace troupe {

ParamReader::ParamReader(const JobSpec& spec, std::span<const ParamInfo> table,
                         std::vector<Fault>& faults)
    : spec_{spec}, faults_{faults} {
  auto parsed = parse_json(spec.params.empty() ? "{}" : spec.params);
  if (!parsed || !parsed->is_object()) {
    params_ = Json::object();
    is_object_ = false;
    faults_.push_back({"params", "must be a JSON object"});
    return;
  }
  params_ = *std::move(parsed);
  std::vector<std::string> known;
  for (const auto& row : table) known.emplace_back(row.name);
  for (const auto& [name, value] : params_.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    fault(name, "is unknown" + known_names(name, known));
  }
}

bool ParamReader::is_bound(std::string_view name) const {
  const auto path = "/" + std::string(name);
  return std::any_of(spec_.bindings.begin(), spec_.bindings.end(),
                     [&](const Binding& b) { return b.path == path; });
}

std::optional<std::string> ParamReader::text(
    std::string_view name, std::optional<std::string> fallback) {
  const auto* value = member(name);
  if (!value) {
    if (!fallback && !is_bound(name)) fault(name, "is required: a string");
    return fallback;
  }
  if (value->is_string()) return value->get<std::string>();
  fault(name, "must be a string");
  return {};
}

std::int64_t ParamReader::integer(std::string_view name, std::int64_t min,
                                  std::int64_t max, std::int64_t fallback) {
  const auto* value = member(name);
  if (!value) return fallback;
  // A number beyond the signed range is unsigned in JSON.
  const bool small =
      value->is_number_integer() &&
      (!value->is_number_unsigned() ||
       value->get<std::uint64_t>() <= static_cast<std::uint64_t>(max));
  if (small && value->get<std::int64_t>() >= min &&
      value->get<std::int64_t>() <= max)
    return value->get<std::int64_t>();
  fault(name, "must be an integer from " + std::to_string(min) + " to " +
                  std::to_string(max));
  return fallback;
}

void ParamReader::no_model() {
  if (!spec_.model.empty())
    faults_.push_back({"model", spec_.kind + " has no model; leave it empty"});
}

const Json* ParamReader::member(std::string_view name) const {
  auto at = params_.find(name);
  if (at == params_.end() || at->is_null() || is_bound(name)) return nullptr;
  return &*at;
}

void ParamReader::fault(std::string_view path, std::string message) {
  faults_.push_back({"params." + std::string(path), std::move(message)});
}

}  // namespace troupe
