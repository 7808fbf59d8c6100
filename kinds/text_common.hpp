// What the kinds that write text share: reading their parameters, and the
// ranges of how tokens are chosen. Knows no model: what depends on one (room,
// ids, its own defaults) is the engine's to say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json.hpp"
#include "core/kind.hpp"
#include "core/text_params.hpp"

namespace troupe {

inline constexpr std::int64_t kMaxTextTokens = 1 << 20;
inline constexpr double kMaxTemperature = 100;
inline constexpr double kMinRepetitionPenalty = 0.01;
inline constexpr double kMaxRepetitionPenalty = 100;
inline constexpr double kMaxTokenPenalty = 2;  // Presence, frequency.
inline constexpr double kMaxLogitBias = 100;
inline constexpr std::size_t kMaxStops = 16;
inline constexpr std::size_t kMaxStopBytes = 256;
inline constexpr std::int64_t kMaxLogprobs = 20;

class TextFaults {
 public:
  /// Both outlive it. REQUIRES: the parameters were read.
  TextFaults(const JobSpec& spec, std::vector<Fault>& faults)
      : spec_{spec}, faults_{faults}, of_reading_{faults.size()} {}

  /// `path` within the parameters. Of what could not be read nothing more is
  /// said: the struct has a value there that nobody wrote.
  void add(const std::string& path, std::string message);
  template <class T>
  void range(const std::string& path, const std::optional<T>& value, T min,
             T max) {
    if (value && !(*value >= min && *value <= max))
      add(path, "is " + shown(*value) + "; allowed are " + shown(min) + " to " +
                    shown(max));
  }
  void one_of(const std::string& path, const std::string& value,
              const std::vector<std::string>& known);
  /// `name`: of an input file; it must be one of the job's.
  void input(const std::string& path, const std::optional<std::string>& name);
  /// What all kinds that write text ask for alike.
  void common(const std::optional<std::int64_t>& max_tokens,
              const TextSampling& sampling, const std::string& dtype);

  /// A binding fills it, or part of it.
  bool is_bound(std::string_view name) const;

 private:
  void sampling(const TextSampling& sampling);
  template <class T>
  static std::string shown(T value) {
    return dump_json(Json(value));
  }

  const JobSpec& spec_;
  std::vector<Fault>& faults_;
  std::size_t of_reading_;  // The first of them.
};

/// "; allowed are 1 to 16" for the parameter of that name; empty: there is no
/// range to tell.
std::string allowed_words(std::string_view path);

/// The parameters as the struct says, with a fault for each that is not; those
/// that a binding fills are left out.
template <class Params>
Params read_text_params(const JobSpec& spec, Json json,
                        std::vector<Fault>& faults) {
  for (const auto& binding : spec.bindings)
    if (binding.path.find('/', 1) == std::string::npos && json.is_object())
      json.erase(
          binding.path.substr(std::min<std::size_t>(1, binding.path.size())));
  Params partly;
  auto params = from_json<Params>(json, UnknownFields::refuse, &partly);
  if (params) return *std::move(params);
  for (const auto& fault : params.error().faults)
    faults.push_back({fault.path.empty() ? "params" : "params." + fault.path,
                      fault.message + (fault.message.starts_with(kUnknownName)
                                           ? std::string{}
                                           : allowed_words(fault.path))});
  return partly;
}

/// The spec's parameters as JSON. Where they are none: a fault, and null.
Json text_json(const JobSpec& spec, std::vector<Fault>& faults);

/// What a job without a seed draws by: the same whenever it is tried again, and
/// exact in every reader of JSON.
std::uint64_t seed_of(JobId id);

/// The parameters as the engine reads them, with a seed.
template <class Params>
void write_text_params(JobSpec& spec, const TextFaults& faults, Params params) {
  if (!params.seed && !faults.is_bound("seed")) params.seed = seed_of(spec.id);
  spec.params = dump_json(to_json(params));
}

}  // namespace troupe
