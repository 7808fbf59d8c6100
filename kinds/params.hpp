// What the parameter checks of kinds share: reading one JSON object by
// name and collecting everything that is wrong with it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json.hpp"
#include "core/kind.hpp"

namespace troupe {

class ParamReader {
 public:
  /// Faults at once: params that are no object, names that `table` lacks.
  /// All three outlive this.
  ParamReader(const JobSpec& spec, std::span<const ParamInfo> table,
              std::vector<Fault>& faults);

  /// What is written, whatever it is; an empty object where it is none.
  const Json& written() const { return params_; }
  bool is_object() const { return is_object_; }

  /// A binding will fill it: what is written there now does not matter.
  /// `name`: also of a part, as in "argv/0".
  bool is_bound(std::string_view name) const;
  /// Null: not given, JSON's null, or bound.
  const Json* member(std::string_view name) const;
  /// `path`: of the parameter or a part, as in "argv[0]".
  void fault(std::string_view path, std::string message);

  /// Nothing: not given, or a fault was added. Without `fallback` the
  /// parameter is required.
  std::optional<std::string> text(std::string_view name,
                                  std::optional<std::string> fallback = {});
  std::int64_t integer(std::string_view name, std::int64_t min,
                       std::int64_t max, std::int64_t fallback);

  /// Faults unless the job names no model.
  void no_model();

 private:
  const JobSpec& spec_;
  std::vector<Fault>& faults_;
  Json params_;
  bool is_object_ = true;
};

}  // namespace troupe
