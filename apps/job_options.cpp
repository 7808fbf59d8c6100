#include "apps/job_options.hpp"

#include <time.h>
#include <filesystem>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "apps/job_params.hpp"
#include "apps/render/table.hpp"
#include "apps/text_files.hpp"
#include "codec/json_keys.hpp"
#include "config/option_table.hpp"
#include "config/units.hpp"
#include "core/nearest.hpp"
#include "core/text_params.hpp"
#include "kinds/kinds.hpp"
#include "kinds/submit_check.hpp"
#include "kinds/text_common.hpp"
#include "platform/file.hpp"
#include "platform/regular_file.hpp"

namespace troupe {
namespace {

using std::string;
using std::string_view;

/// Turns the texts into a draft and collects what is wrong with them.
class Drafter {
 public:
  Drafter(const JobOptions& options, const Kinds& kinds, UnixMs now,
          const FileFault& file_fault)
      : options_{options},
        kind_{find_kind(kinds, options.kind)},
        now_{now},
        file_fault_{file_fault},
        params_{options_, kind_, faults} {
    if (!kind_) fault("kind", unknown_kind(kinds, options.kind));
  }

  DraftJob draft() {
    spec_.kind = options_.kind;
    // A folder, as seen from here.
    const bool is_path = options_.model.find('/') != string::npos;
    spec_.model =
        is_path ? std::filesystem::absolute(options_.model).lexically_normal()
                : std::filesystem::path{options_.model};
    spec_.device = options_.device;
    spec_.tags = options_.tags;
    params_.read();
    inputs();
    param_files();
    bindings();
    references();
    limits();
    spec_.params = dump_json(params_.all());
    return std::move(draft_);
  }

  bool params_are_known() const { return params_.are_known(); }

  std::vector<Fault> faults;

 private:
  void fault(const string& path, string message) {
    faults.push_back({path, std::move(message)});
  }

  /// Whether a text's kind reads it as its prompt or messages: no device would
  /// take more, and that is known before it is uploaded.
  bool is_text_input(const string& name) const {
    const auto& all = params_.all();
    return options_.kind.starts_with("text.") &&
           std::ranges::any_of(std::array{"prompt_input", "messages_input"},
                               [&](const char* param) {
                                 return all.contains(param) &&
                                        all[param] == name;
                               });
  }

  void inputs() {
    for (const auto& text : options_.inputs) {
      auto equals = text.find('=');
      const auto name = equals == text.npos ? "" : text.substr(0, equals);
      const auto source = equals == text.npos ? text : text.substr(equals + 1);
      InputRef input;
      input.name = name;
      if (source.empty()) {
        fault("--input", "'" + text +
                             "' must be NAME=FILE, NAME=ID:OUTPUT "
                             "or NAME=sha256:HASH");
        continue;
      }
      if (source.starts_with("sha256:")) {
        input.sha256 = source.substr(7);
      } else if (auto job = job_output(source)) {
        input.job = job->first;
        input.output = job->second;
        if (name.empty())
          input.name = input.output.substr(input.output.rfind('/') + 1);
      } else {
        const auto most = is_text_input(name) ? kMaxTextInputBytes
                                              : std::uint64_t{UINT64_MAX};
        const auto wrong = file_fault_ ? file_fault_(source, most) : "";
        if (!wrong.empty()) fault("--input", wrong);
        draft_.files.push_back({spec_.inputs.size(), source, {}});
        if (name.empty())
          input.name = std::filesystem::path(source).filename().string();
      }
      spec_.inputs.push_back(std::move(input));
    }
  }

  void param_files() {
    for (const auto& file : params_.files()) {
      const auto wrong = file_fault_ && !file.path.empty()
                             ? file_fault_(file.path, kMaxTextInputBytes)
                             : string{};
      if (file.bytes.size() > kMaxTextInputBytes)
        fault("params." + file.name,
              "has " + std::to_string(file.bytes.size()) + " bytes; at most " +
                  std::to_string(kMaxTextInputBytes) + " are allowed");
      if (!wrong.empty())
        fault("--param",
              file.name + "=@FILE: " + wrong +
                  "; a text that begins with '@' is written '@@...'");
      else if (file_fault_ && file.bytes.size() <= kMaxTextInputBytes)
        look_into(file);
      draft_.files.push_back({spec_.inputs.size(), file.path, file.bytes});
      InputRef input;
      input.name = file.name;
      spec_.inputs.push_back(std::move(input));
    }
  }

  void look_into(const ParamFile& file) {
    auto text = file.path.empty()
                    ? Result<string>{file.bytes}
                    : platform::read_regular(file.path, kMaxTextInputBytes);
    if (!text)
      return fault("--param", file.name + "=@FILE: " + text.error().message);
    if (kind_)
      std::ranges::move(text_file_faults(*kind_, file.name, *text),
                        std::back_inserter(faults));
  }

  static std::optional<std::pair<JobId, string>> job_output(
      const string& source) {
    auto colon = source.find(':');
    if (colon == source.npos) return {};
    auto id = parse_job_id(source.substr(0, colon));
    if (!id) return {};
    return std::pair{*id, source.substr(colon + 1)};
  }

  void bindings() {
    for (const auto& text : options_.bindings) {
      auto [name, source] = split_pair("--from", text, faults);
      if (name.empty()) continue;
      auto place = job_output(source);
      if (!place) {
        fault("--from", "'" + text +
                            "' must be NAME=ID:/POINTER, such as "
                            "text=01J...:/text");
        continue;
      }
      const auto whole = name.starts_with('/') ? name.substr(1) : name;
      if (params_.contains(whole))
        fault("--from", "'" + whole + "' is given a value, too; one of them");
      if (!name.starts_with('/')) name = "/" + name;
      spec_.bindings.push_back({name, place->first, place->second});
    }
  }

  std::optional<JobId> id_of(const string& option, const string& text) {
    auto id = parse_job_id(text);
    if (!id)
      fault(option, "'" + text +
                        "' is no job id (26 letters and "
                        "digits)");
    return id;
  }

  void references() {
    for (const auto& text : options_.after)
      if (auto id = id_of("--after", text)) spec_.depends_on.push_back(*id);
    if (!options_.parent.empty())
      spec_.parent = id_of("--parent", options_.parent);
    if (!options_.id.empty())
      if (auto id = id_of("--id", options_.id)) spec_.id = *id;
  }

  template <class T>
  std::optional<T> amount(const string& option, Result<T> parsed) {
    if (parsed) return *parsed;
    fault(option, parsed.error().message);
    return {};
  }

  void limits() {
    if (!options_.timeout.empty())
      spec_.timeout_ms =
          amount("--timeout", parse_duration_ms(options_.timeout));
    if (!options_.memory.empty())
      if (auto bytes = amount("--memory", parse_bytes(options_.memory)))
        spec_.memory_bytes = static_cast<std::uint64_t>(*bytes);
    if (!options_.not_before.empty())
      spec_.not_before_ms =
          amount("--not-before", parse_time(options_.not_before, now_));
    if (!options_.deadline.empty())
      spec_.deadline_ms =
          amount("--deadline", parse_time(options_.deadline, now_));
    // With an id of its own the job may be one that was taken in time.
    if (spec_.deadline_ms && *spec_.deadline_ms <= now_ && options_.id.empty())
      fault("--deadline", "'" + options_.deadline + "' has passed");
    if (options_.retries >= 0) {
      spec_.retry.max_attempts =
          static_cast<std::uint32_t>(options_.retries) + 1;
      spec_.retry.on_command_failure = options_.retries > 0;
    }
    choice("--priority", options_.priority, spec_.priority, Priority::high);
    choice("--on-lost", options_.on_lost, spec_.on_lost, OnLost::fail);
  }

  template <class Enum>
  void choice(const string& option, const string& text, Enum& value,
              Enum last) {
    if (text.empty()) return;
    const auto named = enum_named(text, last);
    if (named)
      value = *named;
    else
      fault(option, named.error().message);
  }

  const JobOptions& options_;
  const Kind* kind_;
  const UnixMs now_;
  const FileFault& file_fault_;
  DraftJob draft_;
  JobSpec& spec_ = draft_.spec;
  JobParams params_;
};

/// Digits only; nothing for anything else.
std::optional<UnixMs> unix_ms(string_view text) {
  UnixMs value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

/// No node allows more, whatever its configuration says.
JobConfig widest_limits() {
  Config config;
  for (const auto& row : option_table())
    if (row.name.starts_with("job.")) row.number(config) = row.max;
  return config.job;
}

/// All in one answer: what is wrong here already, then what the head would say
/// of the rest; nothing of parameters that could not be read.
Error with_the_rest(std::vector<Fault> faults, JobSpec spec, const Kinds& kinds,
                    bool params_are_known = true,
                    const ModelFaults& model_faults = {}) {
  auto rest = draft_faults(spec, kinds, model_faults);
  if (rest.empty() && model_faults) rest = model_faults(spec);
  for (auto& fault : rest) {
    if (!params_are_known && fault.path.starts_with("params")) continue;
    const bool told = std::ranges::any_of(
        faults, [&](const Fault& f) { return f.path == fault.path; });
    if (!told) faults.push_back(std::move(fault));
  }
  return submit_error(std::move(faults));
}

/// What reading would drop without a word.
std::vector<Fault> line_faults(const Json& job, string_view line) {
  auto faults = repeated_key_faults(line);
  if (job.contains("params") && job["params"].is_string())
    std::ranges::move(
        repeated_key_faults(job["params"].get_ref<const string&>(), "params."),
        std::back_inserter(faults));
  for (const auto* name : {"tenant", "submitted_by", "submitted_ms"})
    if (job.contains(name))
      faults.push_back({name, "is the node's to say; leave it out"});
  return faults;
}

}  // namespace

Result<DraftJob> draft_job(const JobOptions& options, const Kinds& kinds,
                           UnixMs now, const FileFault& file_fault,
                           const ModelFaults& model_faults) {
  Drafter drafter{options, kinds, now, file_fault};
  auto draft = drafter.draft();
  if (drafter.faults.empty()) return draft;
  return with_the_rest(std::move(drafter.faults), std::move(draft.spec), kinds,
                       drafter.params_are_known(), model_faults);
}

std::vector<Fault> draft_faults(JobSpec spec, const Kinds& kinds,
                                const ModelFaults& model_faults) {
  if (!spec.id) spec.id = {1, 1};  // Made later.
  for (auto& input : spec.inputs)  // Known when it is uploaded.
    if (!input.job && input.sha256.empty()) input.sha256 = string(64, '0');
  auto faults = check_submit(spec, kinds, widest_limits());
  const bool of_model = std::ranges::any_of(
      faults, [](const Fault& fault) { return fault.path == "model"; });
  if (!faults.empty() && !of_model && model_faults)
    add_narrower(faults, model_faults(spec));
  return faults;
}

Result<JobSpec> job_from_json(std::string_view line, const Kinds& kinds) {
  auto json = parse_json(line);
  if (!json) return json.error();
  if (!json->is_object())
    return Error{Errc::invalid_argument,
                 "a job must be a JSON object such as "
                 "{\"kind\":\"echo\",\"params\":{\"text\":\"hi\"}}"};
  auto& job = *json;
  auto faults = line_faults(job, line);
  if (job.contains("params") && !job["params"].is_string())
    job["params"] = dump_json(job["params"]);
  JobSpec partly;
  auto spec = from_json<JobSpec>(job, UnknownFields::refuse, &partly);
  if (spec && faults.empty()) return spec;
  if (spec)
    partly = *std::move(spec);
  else
    std::ranges::move(spec.error().faults, std::back_inserter(faults));
  return with_the_rest(std::move(faults), std::move(partly), kinds);
}

Result<UnixMs> parse_time(std::string_view text, UnixMs now) {
  if (text.starts_with('+')) {
    auto after = parse_duration_ms(text.substr(1));
    if (!after) return after.error();
    return now + *after;
  }
  if (auto ms = unix_ms(text)) return *ms;
  tm parts{};
  const string copy(text);
  const char* end = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end && *end == '\0') return static_cast<UnixMs>(::timegm(&parts)) * 1'000;
  return Error{Errc::invalid_argument,
               "'" + copy +
                   "' is no time; write it like +10m, "
                   "2026-11-21T09:30:00Z or in unix milliseconds"};
}

/// With the range of values where there is one.
static string help_of(const Kind& kind, const ParamInfo& param) {
  string text(param.help);
  if (!kind.name.starts_with("text.")) return text;
  const auto allowed = allowed_words(param.name);
  if (!allowed.empty() && text.ends_with('.')) text.pop_back();
  return allowed.empty() ? text : text + allowed + ".";
}

std::string param_help(const Kind& kind) {
  std::vector<std::vector<string>> rows;
  for (const auto& param : kind.params)
    rows.push_back({"  " + string(param.name), string(param.type),
                    param.default_value.empty()
                        ? "required"
                        : "default " + string(param.default_value),
                    help_of(kind, param)});
  return "Parameters of " + string(kind.name) + " (--param NAME=VALUE):\n" +
         render::table(rows);
}

}  // namespace troupe
