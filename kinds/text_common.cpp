#include "kinds/text_common.hpp"

#include <algorithm>
#include <limits>

#include "core/nearest.hpp"

namespace troupe {

void TextFaults::one_of(const std::string& path, const std::string& value,
                        const std::vector<std::string>& known) {
  if (std::ranges::count(known, value) > 0) return;
  add(path,
      "'" + value.substr(0, 128) + "' is unknown" + known_names(value, known));
}

void TextFaults::common(const std::optional<std::int64_t>& max_tokens,
                        const TextSampling& s, const std::string& dtype) {
  range<std::int64_t>("max_tokens", max_tokens, 1, kMaxTextTokens);
  sampling(s);
  one_of("dtype", dtype, {"auto", "f32", "bf16", "int8", "int4"});
}

void TextFaults::sampling(const TextSampling& s) {
  range("temperature", s.temperature, 0.0, kMaxTemperature);
  range<std::int64_t>("top_k", s.top_k, 0, kMaxTextTokens);
  range("min_p", s.min_p, 0.0, 1.0);
  range("repetition_penalty", s.repetition_penalty, kMinRepetitionPenalty,
        kMaxRepetitionPenalty);
  range("presence_penalty", s.presence_penalty, -kMaxTokenPenalty,
        kMaxTokenPenalty);
  range("frequency_penalty", s.frequency_penalty, -kMaxTokenPenalty,
        kMaxTokenPenalty);
  // As the engine sees it, so that what is allowed is never zero there.
  if (s.top_p && !(static_cast<float>(*s.top_p) > 0 && *s.top_p <= 1))
    add("top_p", "is " + shown(*s.top_p) + "; allowed is above 0 up to 1");
}

bool TextFaults::is_bound(std::string_view name) const {
  const auto path = "/" + std::string(name);
  return std::ranges::any_of(spec_.bindings, [&](const Binding& binding) {
    return binding.path == path || binding.path.starts_with(path + "/");
  });
}

Json text_json(const JobSpec& spec, std::vector<Fault>& faults) {
  auto json = parse_json(spec.params.empty() ? "{}" : spec.params);
  if (json && json->is_object()) return *std::move(json);
  faults.push_back({"params", "must be a JSON object"});
  return nullptr;
}

std::uint64_t seed_of(JobId id) {
  return seeded_random(id.hi ^ (id.lo << 1 | id.lo >> 63))->next() >> 11;
}

}  // namespace troupe
