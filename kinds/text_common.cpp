#include "kinds/text_common.hpp"

#include <algorithm>
#include <limits>

#include "codec/json_path.hpp"
#include "core/nearest.hpp"

namespace troupe {

void TextFaults::add(const std::string& path, std::string message) {
  const auto whole = "params." + path;
  const auto read = faults_.begin() + static_cast<std::ptrdiff_t>(of_reading_);
  const bool told = std::any_of(faults_.begin(), read, [&](const Fault& fault) {
    return whole == fault.path || (fault.path.starts_with("params.") &&
                                   (whole.starts_with(fault.path + ".") ||
                                    whole.starts_with(fault.path + "[")));
  });
  if (!told) faults_.push_back({whole, std::move(message)});
}

void TextFaults::one_of(const std::string& path, const std::string& value,
                        const std::vector<std::string>& known) {
  if (std::ranges::count(known, value) > 0) return;
  add(path,
      "'" + value.substr(0, 128) + "' is unknown" + known_names(value, known));
}

void TextFaults::input(const std::string& path,
                       const std::optional<std::string>& name) {
  if (!name) return;
  std::vector<std::string> known;
  for (const auto& input : spec_.inputs) known.push_back(input.name);
  if (std::ranges::count(known, *name) > 0) return;
  add(path, "is '" + name->substr(0, 128) +
                "', which is no input file of the job" +
                (known.empty() ? "; it has none" : known_names(*name, known)));
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
  const auto path = json ? std::string{} : path_of_break(spec.params);
  faults.push_back({path.empty() ? "params" : "params." + path,
                    json ? "must be a JSON object"
                         : "is not JSON: " + json.error().message});
  return nullptr;
}

std::string allowed_words(std::string_view path) {
  const auto range = [](auto min, auto max) {
    return "; allowed are " + dump_json(Json(min)) + " to " +
           dump_json(Json(max));
  };
  const auto name = path.substr(0, path.find_first_of(".["));
  if (name == "max_tokens") return range(1, kMaxTextTokens);
  if (name == "temperature") return range(0, kMaxTemperature);
  if (name == "top_k") return range(0, kMaxTextTokens);
  if (name == "top_p") return "; allowed is above 0 up to 1";
  if (name == "min_p") return range(0, 1);
  if (name == "repetition_penalty")
    return range(kMinRepetitionPenalty, kMaxRepetitionPenalty);
  if (name == "presence_penalty" || name == "frequency_penalty")
    return range(-kMaxTokenPenalty, kMaxTokenPenalty);
  if (path == "logit_bias")
    return "; such as {\"42\":-100}: a token's id, and -100 to 100";
  if (name == "logit_bias") return range(-kMaxLogitBias, kMaxLogitBias);
  if (name == "seed")
    return range(0, std::numeric_limits<std::uint64_t>::max());
  if (name == "n") return range(1, kMaxTextChoices);
  if (name == "logprobs") return range(0, kMaxLogprobs);
  return {};
}

std::uint64_t seed_of(JobId id) {
  return seeded_random(id.hi ^ (id.lo << 1 | id.lo >> 63))->next() >> 11;
}

}  // namespace troupe
