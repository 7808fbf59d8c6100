#include "actors/resolve.hpp"

#include <algorithm>

#include "codec/json.hpp"

namespace troupe {
namespace {

constexpr std::size_t kShownBytes = 60;  // Of a value, in a sentence.

Error lacks(JobId job, const std::string& what) {
  return {Errc::invalid_argument, "job " + to_string(job) + " has no " + what};
}

Status resolve_inputs(Assignment& a, const EndOf& end_of) {
  for (const auto& input : a.spec.inputs) {
    if (!input.job) {
      a.inputs.push_back({input.name, input.sha256});
      continue;
    }
    auto end = end_of(*input.job);
    if (!end) return end.error();
    const auto& files = end->artifacts;
    auto file = std::ranges::find(files, input.output, &ArtifactRef::name);
    if (file == files.end()) {
      std::string known;
      for (const auto& f : files) known += " " + f.name;
      return lacks(*input.job, "output " + input.output + "; it has:" + known);
    }
    a.inputs.push_back({input.name, file->sha256});
  }
  return ok();
}

/// As a fault's path has it: "/argv/1" is "params.argv[1]".
std::string fault_path(const std::string& pointer) {
  std::string path = "params";
  for (std::size_t at = 0; at < pointer.size();) {
    const auto end = std::min(pointer.find('/', at + 1), pointer.size());
    const auto name = pointer.substr(at + 1, end - at - 1);
    const bool is_index =
        !name.empty() && name.find_first_not_of("0123456789") == name.npos;
    path += is_index ? "[" + name + "]" : "." + name;
    at = end;
  }
  return path;
}

/// "an integer (5)", "an object".
std::string sort_of(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  std::string sort = value.is_string()           ? "a string"
                     : value.is_boolean()        ? "a boolean"
                     : value.is_number_integer() ? "an integer"
                                                 : "a number";
  auto text = dump_json(value);
  if (text.size() > kShownBytes) return sort;
  return sort + " (" + text + ")";
}

/// What the kind says of the parameters now that they are all there.
Status check_filled(const JobSpec& filled, const Json& params,
                    const Kind& kind) {
  auto spec = filled;
  spec.bindings.clear();
  std::vector<Fault> faults;
  kind.normalise(spec, faults);
  for (const auto& fault : faults)
    for (const auto& binding : filled.bindings) {
      if (!fault.path.starts_with(fault_path(binding.path))) continue;
      return Error{
          Errc::invalid_argument,
          fault.path + " " + fault.message + ", but " +
              (binding.pointer.empty() ? "the result"
                                       : binding.pointer + " in the result") +
              " of job " + to_string(binding.job) + " is " +
              sort_of(params.at(Json::json_pointer{binding.path})),
          faults};
    }
  return ok();
}

Status resolve_bindings(Assignment& a, const EndOf& end_of, const Kind* kind) {
  if (a.spec.bindings.empty()) return ok();
  auto params = Json::parse(a.spec.params, nullptr, false);
  if (params.is_discarded()) return Error{Errc::corrupt, "params are not JSON"};
  for (const auto& binding : a.spec.bindings) {
    auto end = end_of(binding.job);
    if (!end) return end.error();
    const auto result = Json::parse(end->result, nullptr, false);
    try {  // The pointers' syntax was checked at submit.
      const Json::json_pointer from{binding.pointer};
      if (result.is_discarded() || !result.contains(from))
        return lacks(binding.job, "result field " + binding.pointer);
      params[Json::json_pointer{binding.path}] = result.at(from);
    } catch (const Json::exception& e) {
      return Error{Errc::invalid_argument,
                   "binding " + binding.path + ": " + e.what()};
    }
  }
  a.spec.params = dump_json(params);
  return kind ? check_filled(a.spec, params, *kind) : ok();
}

}  // namespace

Status resolve(Assignment& assignment, const EndOf& end_of, const Kind* kind) {
  assignment.inputs.clear();
  if (auto done = resolve_inputs(assignment, end_of); !done) return done;
  return resolve_bindings(assignment, end_of, kind);
}

}  // namespace troupe
