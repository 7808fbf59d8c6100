// What the parameter checks of simple kinds share: reading one JSON object by
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

  /// A binding will fill it: what is written there now does not matter.
  bool is_bound(std::string_view name) const;

  /// Nothing: not given, or a fault was added. Without `fallback` the
  /// parameter is required.
  std::optional<std::string> text(std::string_view name,
                                  std::optional<std::string> fallback = {});
  std::int64_t integer(std::string_view name, std::int64_t min,
                       std::int64_t max, std::int64_t fallback);

  /// Faults unless the job names no model.
  void no_model();

 private:
  const Json* member(std::string_view name) const;
  void fault(std::string_view name, std::string message);

  const JobSpec& spec_;
  std::vector<Fault>& faults_;
  Json params_;
};

}  // namespace troupe
