#include "actors/resolve.hpp"

#include <algorithm>

#include "codec/json.hpp"

namespace troupe {
namespace {

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

Status resolve_bindings(Assignment& a, const EndOf& end_of) {
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
  a.spec.params = params.dump();
  return ok();
}

}  // namespace

Status resolve(Assignment& assignment, const EndOf& end_of) {
  assignment.inputs.clear();
  if (auto done = resolve_inputs(assignment, end_of); !done) return done;
  return resolve_bindings(assignment, end_of);
}

}  // namespace troupe
