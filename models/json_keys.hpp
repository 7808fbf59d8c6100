// Reads the members of a model's JSON files one by one and collects all that
// is wrong, so that one answer names everything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/unique_json.hpp"
#include "core/result.hpp"

namespace troupe {

class JsonKeys {
 public:
  /// `root` outlives it.
  explicit JsonKeys(const UniqueJson& root) : root_{&root} {}

  /// The value at `path` (keys between dots); null where there is none, or
  /// null stands there.
  const UniqueJson* find(std::string_view path) const;

  /// All of these: nothing, and a fault, when the value is of another kind or
  /// out of range; a missing one is a fault too unless there is an `absent`.
  std::optional<std::int64_t> whole(const std::string& path, std::int64_t min,
                                    std::int64_t max,
                                    std::optional<std::int64_t> absent = {});
  std::optional<double> number(const std::string& path, double min, double max,
                               std::optional<double> absent = {});
  std::optional<bool> flag(const std::string& path,
                           std::optional<bool> absent = {});
  std::optional<std::string> text(const std::string& path,
                                  std::optional<std::string> absent = {});
  /// One whole number or an array of them; empty when missing.
  std::vector<std::int32_t> ids(const std::string& path, std::int32_t max);

  /// The value is there but means something this build does not do.
  void unsupported(const std::string& path, const std::string& known);
  void fault(const std::string& path, const std::string& message);

  /// Errors: unsupported when any fault is of that sort, else corrupt: the
  /// first eight faults in words, all of them as data.
  Status result(std::string_view file) const;

 private:
  template <class T>
  std::optional<T> missing(const std::string& path, std::optional<T> absent);

  const UniqueJson* root_;
  std::vector<Fault> faults_;
  bool unsupported_ = false;
};

/// Reads and parses; at most 1 MiB. Errors: also not_found, denied, io_error,
/// corrupt (no JSON object), too_large.
Result<UniqueJson> read_json_object(const std::string& path);

}  // namespace troupe
