// What a job kind is: its name, parameters and effects, and the pure check
// that turns what a user wrote into what is stored.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/job.hpp"

namespace troupe {

/// One row of a kind's parameter table, for people: `troupe submit KIND
/// --help` and error messages print it.
struct ParamInfo {
  std::string_view name;
  std::string_view type;           // "string", "integer", "array of string".
  std::string_view default_value;  // As JSON; empty: required.
  std::string_view help;
};

struct Kind {
  std::string_view name;  // "process.run"
  std::string_view summary;
  std::span<const ParamInfo> params;
  /// Works on the outside world: its start is synced before the work begins
  /// and a lost attempt follows JobSpec::on_lost.
  bool outside_effects = false;
  bool needs_model = false;
  /// Pure. Checks params (a JSON object) with the rest of `spec` and rewrites
  /// them with defaults filled in; may set memory_bytes and on_lost. Adds
  /// every fault it finds, with paths beginning "params.". A path that a
  /// binding will fill is exempt from "required".
  void (*normalise)(JobSpec& spec, std::vector<Fault>& faults);
};

/// The table that `apps` hands around as a value.
using Kinds = std::vector<const Kind*>;

/// Null for an unknown name.
inline const Kind* find_kind(const Kinds& kinds, std::string_view name) {
  for (const Kind* kind : kinds)
    if (kind->name == name) return kind;
  return nullptr;
}

}  // namespace troupe
