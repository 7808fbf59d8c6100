#include "kinds/process_run.hpp"

#include <algorithm>
#include <array>

#include "core/nearest.hpp"
#include "kinds/params.hpp"

namespace troupe {

namespace {

constexpr std::array<std::string_view, 7> kRuleNames{
    "percent", "tqdm", "steps", "loss", "learning_rate", "eta", "ffmpeg"};

constexpr std::array<ParamInfo, 13> kParams{{
    {"argv", "array of string", "",
     "The program and its arguments. Never read by a shell."},
    {"env", "object of string", "{}", "Variables of its environment."},
    {"inherit_env", "array of string", R"(["PATH","HOME","LANG"])",
     "Variables it takes over from the node, where env does not set them."},
    {"cwd", "string", "\"\"",
     "Absolute folder to run in. Empty: a scratch folder of its own."},
    {"stdin", "string", "null", "Text for its standard input."},
    {"stdin_input", "string", "null",
     "Name of the input file that is its standard input."},
    {"outputs", "array of string", "[]",
     "Files below the scratch folder to keep: paths, or patterns with * ? "
     "[a-z] and ** for any folders. A plain path must be there at the end."},
    {"progress", "array of string or object", "[]",
     "How its output tells progress: percent, tqdm, steps, loss, "
     "learning_rate, eta, ffmpeg, or "
     "{\"rule\":\"ffmpeg\",\"duration_s\":9.5}."},
    {"grace_ms", "integer", "10000",
     "Time between TERM and KILL when it is stopped."},
    {"quiet_ms", "integer", "30000",
     "Silence after which an event says so. 0: never."},
    {"log_bytes", "integer", "4194304",
     "Of its log at most this much is kept: the head and the tail."},
    {"memory_bytes", "integer", "the job's",
     "Memory to reserve before it starts; same as the job's own field."},
    {"on_lost", "string", "the job's",
     "retry or fail, when the node died under it; same as the job's own "
     "field."},
}};

std::string known_rules() {
  std::string list;
  for (const auto name : kRuleNames)
    list += (list.empty() ? "" : ", ") + std::string{name};
  return list;
}

std::optional<std::string> argument(ParamReader& reader, const Json& value,
                                    const std::string& path) {
  if (!value.is_string()) {
    reader.fault(path, "must be a string");
    return {};
  }
  auto text = value.get<std::string>();
  if (text.find('\0') != std::string::npos) {
    reader.fault(path, "must not hold a zero byte");
    return {};
  }
  if (text.size() <= kMaxArgumentBytes) return text;
  reader.fault(path, "is over " + std::to_string(kMaxArgumentBytes) +
                         " bytes; pass it as an input file");
  return {};
}

std::optional<std::string> optional_argument(ParamReader& reader,
                                             const std::string& name) {
  const auto* value = reader.member(name);
  return value ? argument(reader, *value, name) : std::nullopt;
}

std::vector<std::string> arguments(ParamReader& reader, const std::string& name,
                                   std::size_t limit,
                                   std::vector<std::string> fallback) {
  const auto* value = reader.member(name);
  if (!value) return fallback;
  if (!value->is_array()) {
    reader.fault(name, "must be an array of strings");
    return fallback;
  }
  if (value->size() > limit) {
    reader.fault(name, "has over " + std::to_string(limit) + " elements");
    return fallback;
  }
  std::vector<std::string> list;
  for (std::size_t i = 0; i < value->size(); ++i) {
    const auto place = std::to_string(i);
    auto element =
        reader.is_bound(name + "/" + place)
            ? std::optional<std::string>{""}
            : argument(reader, (*value)[i], name + "[" + place + "]");
    if (element) list.push_back(*std::move(element));
  }
  return list;
}

void read_argv(ParamReader& reader, ProcessRunParams& params) {
  params.argv = arguments(reader, "argv", kMaxArguments, {});
  if (reader.is_bound("argv")) return;
  const auto* value = reader.member("argv");
  if (!value || (value->is_array() && value->empty()))
    reader.fault("argv",
                 "is required: the program and its arguments, such "
                 "as [\"ffmpeg\",\"-i\",\"in.mp4\",\"out.webm\"]");
  else if (value->is_array() && (*value)[0].is_string() &&
           (*value)[0].get_ref<const std::string&>().empty() &&
           !reader.is_bound("argv/0"))
    reader.fault("argv[0]", "must name a program");
}

bool is_variable_name(const std::string& name) {
  return !name.empty() && name.find('=') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

void read_environment(ParamReader& reader, ProcessRunParams& params) {
  params.inherit_env =
      arguments(reader, "inherit_env", kMaxArguments, {"PATH", "HOME", "LANG"});
  for (std::size_t i = 0; i < params.inherit_env.size(); ++i)
    if (!is_variable_name(params.inherit_env[i]))
      reader.fault("inherit_env[" + std::to_string(i) + "]",
                   "must be the name of a variable");
  const auto* env = reader.member("env");
  if (!env) return;
  if (!env->is_object())
    return reader.fault("env", "must be an object of strings");
  for (const auto& [name, value] : env->items()) {
    if (!is_variable_name(name))
      reader.fault("env." + name, "must not be empty nor hold = or zero");
    if (reader.is_bound("env/" + name)) {
      params.env.emplace(name, "");
      continue;
    }
    if (auto text = argument(reader, value, "env." + name))
      params.env.emplace(name, *std::move(text));
  }
}

std::string_view output_fault(const std::string& pattern) {
  if (pattern.empty()) return "must not be empty";
  if (pattern.front() == '/') return "must be relative to the scratch folder";
  std::string_view rest = pattern;
  while (!rest.empty()) {
    const auto part = rest.substr(0, rest.find('/'));
    if (part == "..") return "must not leave the scratch folder with ..";
    if (part == "." || part.empty()) return "must not have empty parts or .";
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  }
  if (is_log_name(pattern))
    return "is the name of the job's own logs; choose another";
  return pattern.back() == '/' ? "must name a file, not a folder" : "";
}

void read_files(ParamReader& reader, ProcessRunParams& params) {
  params.cwd = optional_argument(reader, "cwd").value_or("");
  if (!params.cwd.empty() && params.cwd.front() != '/')
    reader.fault("cwd", "must be an absolute folder of the node's machine");
  params.stdin_text = optional_argument(reader, "stdin");
  params.stdin_input = optional_argument(reader, "stdin_input");
  if (params.stdin_text && params.stdin_input)
    reader.fault("stdin_input", "cannot be set together with stdin");
  params.outputs = arguments(reader, "outputs", kMaxOutputPatterns, {});
  for (std::size_t i = 0; i < params.outputs.size(); ++i) {
    if (reader.is_bound("outputs/" + std::to_string(i))) continue;
    const auto fault = output_fault(params.outputs[i]);
    if (!fault.empty())
      reader.fault("outputs[" + std::to_string(i) + "]", std::string{fault});
  }
}

std::optional<ProgressRuleType> rule_type(const std::string& name) {
  const auto it = std::find(kRuleNames.begin(), kRuleNames.end(), name);
  if (it == kRuleNames.end()) return {};
  return static_cast<ProgressRuleType>(it - kRuleNames.begin() + 1);
}

void read_rule(ParamReader& reader, const Json& value, const std::string& path,
               std::vector<ProgressRule>& rules) {
  const Json object = value.is_string() ? Json{{"rule", value}} : value;
  if (!object.is_object() || !object.contains("rule") ||
      !object["rule"].is_string())
    return reader.fault(path,
                        "must be a rule's name or {\"rule\":name}; known "
                        "are: " +
                            known_rules());
  const auto name = object["rule"].get<std::string>();
  const auto type = rule_type(name);
  if (!type) return reader.fault(path, *unknown_rule(name));
  ProgressRule rule{.type = *type, .duration_s = {}};
  for (const auto& [key, member] : object.items()) {
    if (key == "rule") continue;
    if (key != "duration_s" || *type != ProgressRuleType::ffmpeg) {
      reader.fault(path + "." + key,
                   "unknown; only the rule ffmpeg has duration_s");
    } else if (!member.is_number() || !(member.get<double>() > 0)) {
      reader.fault(path + "." + key, "must be a number of seconds over 0");
    } else {
      rule.duration_s = member.get<double>();
    }
  }
  rules.push_back(rule);
}

void read_progress(ParamReader& reader, ProcessRunParams& params) {
  const auto* value = reader.member("progress");
  if (!value) return;
  if (value->is_string())  // One rule, written without the array.
    return read_rule(reader, *value, "progress", params.progress);
  if (!value->is_array() || value->size() > kRuleNames.size())
    return reader.fault("progress", "must be an array of at most " +
                                        std::to_string(kRuleNames.size()) +
                                        " rules; known are: " + known_rules());
  for (std::size_t i = 0; i < value->size(); ++i)
    read_rule(reader, (*value)[i], "progress[" + std::to_string(i) + "]",
              params.progress);
}

ProcessRunParams read_params(ParamReader& reader) {
  ProcessRunParams params;
  read_argv(reader, params);
  read_environment(reader, params);
  read_files(reader, params);
  read_progress(reader, params);
  params.grace_ms = reader.integer("grace_ms", 0, kMaxGraceMs, params.grace_ms);
  params.quiet_ms = reader.integer("quiet_ms", 0, kMaxQuietMs, params.quiet_ms);
  params.log_bytes = static_cast<std::uint64_t>(
      reader.integer("log_bytes", std::int64_t{kMinProcessLogBytes},
                     std::int64_t{kMaxProcessLogBytes},
                     static_cast<std::int64_t>(params.log_bytes)));
  return params;
}

// A bound place keeps what the user wrote there: the binding replaces it.
Json to_json(const ProcessRunParams& params, const ParamReader& reader) {
  Json json = Json::object();
  json["argv"] = params.argv;
  json["env"] = params.env;
  json["inherit_env"] = params.inherit_env;
  json["cwd"] = params.cwd;
  if (params.stdin_text) json["stdin"] = *params.stdin_text;
  if (params.stdin_input) json["stdin_input"] = *params.stdin_input;
  json["outputs"] = params.outputs;
  json["progress"] = Json::array();
  for (const auto& rule : params.progress) {
    auto& one = json["progress"].emplace_back(Json::object());
    one["rule"] = to_string(rule.type);
    if (rule.duration_s) one["duration_s"] = *rule.duration_s;
  }
  json["grace_ms"] = params.grace_ms;
  json["quiet_ms"] = params.quiet_ms;
  json["log_bytes"] = params.log_bytes;
  for (const auto& param : kParams) {
    const std::string name{param.name};
    if (reader.is_bound(name))
      json[name] = reader.written().value(name, Json{});
  }
  return json;
}

void take_job_fields(ParamReader& reader, JobSpec& spec) {
  const auto contradicts =
      "is not what the job's own field says; keep one of them";
  const auto own = spec.memory_bytes;
  spec.memory_bytes = static_cast<std::uint64_t>(
      reader.integer("memory_bytes", 0, std::int64_t{1} << 60,
                     static_cast<std::int64_t>(own)));
  if (own != 0 && spec.memory_bytes != own)
    reader.fault("memory_bytes", contradicts);
  const auto on_lost = optional_argument(reader, "on_lost");
  if (!on_lost) return;
  if (*on_lost == "retry" && spec.on_lost == OnLost::fail)
    reader.fault("on_lost", contradicts);
  else if (*on_lost == "retry")
    spec.on_lost = OnLost::retry;
  else if (*on_lost == "fail")
    spec.on_lost = OnLost::fail;
  else
    reader.fault("on_lost", "must be retry or fail");
}

void check_inputs(ParamReader& reader, const JobSpec& spec,
                  const ProcessRunParams& params) {
  if (!params.stdin_input) return;
  const bool there = std::any_of(
      spec.inputs.begin(), spec.inputs.end(),
      [&](const InputRef& in) { return in.name == *params.stdin_input; });
  if (!there && !reader.is_bound("stdin_input"))
    reader.fault("stdin_input",
                 "names no input of the job: \"" + *params.stdin_input + "\"");
}

void normalise(JobSpec& spec, std::vector<Fault>& faults) {
  ParamReader reader{spec, kParams, faults};
  if (!reader.is_object()) return;
  const auto params = read_params(reader);
  take_job_fields(reader, spec);
  check_inputs(reader, spec, params);
  reader.no_model();
  if (faults.empty()) spec.params = dump_json(to_json(params, reader));
}

}  // namespace

std::string_view to_string(ProgressRuleType type) {
  return kRuleNames[static_cast<std::size_t>(type) - 1];
}

std::optional<std::string> unknown_rule(const std::string& name) {
  const std::vector<std::string> known(kRuleNames.begin(), kRuleNames.end());
  if (rule_type(name)) return {};
  return "'" + name + "' is unknown" + known_names(name, known);
}

bool is_log_name(std::string_view name) {
  return name.starts_with("attempt-") && name.ends_with(".log");
}

const Kind& process_run_kind() {
  static constexpr Kind kKind{
      .name = "process.run",
      .summary = "Runs a program: ffmpeg, a trainer, any command.",
      .params = kParams,
      .outside_effects = true,
      .needs_model = false,
      .normalise = &normalise};
  return kKind;
}

Result<ProcessRunParams> parse_process_run(const std::string& params) {
  std::vector<Fault> faults;
  JobSpec spec;
  spec.params = params;
  ParamReader reader{spec, kParams, faults};
  if (reader.is_object()) {
    auto read = read_params(reader);
    if (faults.empty()) return read;
  }
  return Error{Errc::invalid_argument, "the parameters are not valid",
               std::move(faults)};
}

}  // namespace troupe
