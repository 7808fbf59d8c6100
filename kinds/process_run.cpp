#include "kinds/process_run.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/nearest.hpp"

namespace troupe {

namespace {

using Json = nlohmann::ordered_json;
using Faults = std::vector<Fault>;

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

bool is_filled_later(const std::vector<Binding>& bindings,
                     const std::string& pointer) {
  return std::any_of(
      bindings.begin(), bindings.end(),
      [&pointer](const Binding& b) { return b.path == pointer; });
}

// Reads one object of params; collects every fault and goes on.
class Reader {
 public:
  Reader(const Json& params, const std::vector<Binding>& bindings,
         Faults& faults)
      : params_{params}, bindings_{bindings}, faults_{faults} {}

  void fault(const std::string& path, std::string message) {
    faults_.push_back({"params." + path, std::move(message)});
  }

  const Json* member(const std::string& name) const {
    const auto it = params_.find(name);
    if (it == params_.end() || it->is_null()) return nullptr;
    return is_filled_later(bindings_, "/" + name) ? nullptr : &*it;
  }

  bool bound(const std::string& name) const {
    return is_filled_later(bindings_, "/" + name);
  }

  std::optional<std::string> text(const Json& value, const std::string& path) {
    if (!value.is_string())
      return fault(path, "must be a string"), std::nullopt;
    auto text = value.get<std::string>();
    if (text.find('\0') != std::string::npos)
      return fault(path, "must not hold a zero byte"), std::nullopt;
    if (text.size() > kMaxArgumentBytes)
      return fault(path, "is over " + std::to_string(kMaxArgumentBytes) +
                             " bytes; pass it as an input file"),
             std::nullopt;
    return text;
  }

  std::optional<std::string> optional_text(const std::string& name) {
    const auto* value = member(name);
    return value ? text(*value, name) : std::nullopt;
  }

  std::vector<std::string> texts(const std::string& name, std::size_t limit,
                                 std::vector<std::string> fallback) {
    const auto* value = member(name);
    if (!value) return fallback;
    if (!value->is_array())
      return fault(name, "must be an array of strings"), fallback;
    if (value->size() > limit)
      return fault(name, "has over " + std::to_string(limit) + " elements"),
             fallback;
    std::vector<std::string> list;
    for (std::size_t i = 0; i < value->size(); ++i) {
      const auto place = std::to_string(i);
      const bool later = is_filled_later(bindings_, "/" + name + "/" + place);
      auto element = later ? std::optional<std::string>{""}
                           : text((*value)[i], name + "[" + place + "]");
      if (element) list.push_back(*std::move(element));
    }
    return list;
  }

  template <class Int>
  Int integer(const std::string& name, Int low, Int high, Int fallback) {
    const auto* value = member(name);
    if (!value) return fallback;
    const std::string range = "must be an integer from " + std::to_string(low) +
                              " to " + std::to_string(high);
    if (!value->is_number_integer() ||
        (!value->is_number_unsigned() && value->get<std::int64_t>() < 0) ||
        value->get<std::uint64_t>() < static_cast<std::uint64_t>(low) ||
        value->get<std::uint64_t>() > static_cast<std::uint64_t>(high))
      return fault(name, range), fallback;
    return value->get<Int>();
  }

 private:
  const Json& params_;
  const std::vector<Binding>& bindings_;
  Faults& faults_;
};

void read_argv(Reader& reader, ProcessRunParams& params) {
  params.argv = reader.texts("argv", kMaxArguments, {});
  if (reader.bound("argv")) return;
  const auto* value = reader.member("argv");
  if (!value || (value->is_array() && value->empty()))
    reader.fault("argv",
                 "is required: the program and its arguments, such "
                 "as [\"ffmpeg\",\"-i\",\"in.mp4\",\"out.webm\"]");
  else if (value->is_array() && (*value)[0].is_string() &&
           (*value)[0].get_ref<const std::string&>().empty() &&
           !reader.bound("argv/0"))
    reader.fault("argv[0]", "must name a program");
}

bool is_variable_name(const std::string& name) {
  return !name.empty() && name.find('=') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

void read_environment(Reader& reader, ProcessRunParams& params) {
  params.inherit_env =
      reader.texts("inherit_env", kMaxArguments, {"PATH", "HOME", "LANG"});
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
    if (reader.bound("env/" + name)) {
      params.env.emplace(name, "");
      continue;
    }
    if (auto text = reader.text(value, "env." + name))
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

void read_files(Reader& reader, ProcessRunParams& params) {
  params.cwd = reader.optional_text("cwd").value_or("");
  if (!params.cwd.empty() && params.cwd.front() != '/')
    reader.fault("cwd", "must be an absolute folder of the node's machine");
  params.stdin_text = reader.optional_text("stdin");
  params.stdin_input = reader.optional_text("stdin_input");
  if (params.stdin_text && params.stdin_input)
    reader.fault("stdin_input", "cannot be set together with stdin");
  params.outputs = reader.texts("outputs", kMaxOutputPatterns, {});
  for (std::size_t i = 0; i < params.outputs.size(); ++i) {
    if (reader.bound("outputs/" + std::to_string(i))) continue;
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

void read_rule(Reader& reader, const Json& value, const std::string& path,
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

void read_progress(Reader& reader, ProcessRunParams& params) {
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

ProcessRunParams read_params(Reader& reader) {
  ProcessRunParams params;
  read_argv(reader, params);
  read_environment(reader, params);
  read_files(reader, params);
  read_progress(reader, params);
  params.grace_ms =
      reader.integer<std::int64_t>("grace_ms", 0, kMaxGraceMs, params.grace_ms);
  params.quiet_ms =
      reader.integer<std::int64_t>("quiet_ms", 0, kMaxQuietMs, params.quiet_ms);
  params.log_bytes = reader.integer<std::uint64_t>(
      "log_bytes", kMinProcessLogBytes, kMaxProcessLogBytes, params.log_bytes);
  return params;
}

// A bound place keeps what the user wrote there: the binding replaces it.
Json to_json(const ProcessRunParams& params, const Json& written,
             const std::vector<Binding>& bindings) {
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
    if (!is_filled_later(bindings, "/" + name)) continue;
    json[name] = written.contains(name) ? written[name] : Json{};
  }
  return json;
}

void check_names(const Json& params, Faults& faults) {
  std::vector<std::string> known;
  for (const auto& param : kParams) known.emplace_back(param.name);
  for (const auto& [name, value] : params.items())
    if (std::find(known.begin(), known.end(), name) == known.end())
      faults.push_back(
          {"params." + name, "is unknown" + known_names(name, known)});
}

void take_job_fields(Reader& reader, JobSpec& spec) {
  spec.memory_bytes = reader.integer<std::uint64_t>(
      "memory_bytes", 0, std::uint64_t{1} << 60, spec.memory_bytes);
  const auto on_lost = reader.optional_text("on_lost");
  if (!on_lost) return;
  if (*on_lost == "retry")
    spec.on_lost = OnLost::retry;
  else if (*on_lost == "fail")
    spec.on_lost = OnLost::fail;
  else
    reader.fault("on_lost", "must be retry or fail");
}

void check_inputs(Reader& reader, const JobSpec& spec,
                  const ProcessRunParams& params) {
  if (!params.stdin_input) return;
  const bool there = std::any_of(
      spec.inputs.begin(), spec.inputs.end(),
      [&](const InputRef& in) { return in.name == *params.stdin_input; });
  if (!there && !reader.bound("stdin_input"))
    reader.fault("stdin_input",
                 "names no input of the job: \"" + *params.stdin_input + "\"");
}

std::optional<Json> parse_object(const std::string& text, Faults& faults) {
  auto json = Json::parse(text.empty() ? "{}" : text, nullptr, false);
  if (json.is_object()) return json;
  faults.push_back({"params", "must be a JSON object"});
  return {};
}

void normalise(JobSpec& spec, Faults& faults) {
  const auto written = parse_object(spec.params, faults);
  if (!written) return;
  check_names(*written, faults);
  Reader reader{*written, spec.bindings, faults};
  const auto params = read_params(reader);
  take_job_fields(reader, spec);
  check_inputs(reader, spec, params);
  if (!spec.model.empty())
    faults.push_back({"model", "process.run has no model; leave it empty"});
  if (faults.empty())
    spec.params = to_json(params, *written, spec.bindings)
                      .dump(-1, ' ', false, Json::error_handler_t::replace);
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
  Faults faults;
  const auto json = parse_object(params, faults);
  if (json) {
    const std::vector<Binding> none;
    Reader reader{*json, none, faults};
    auto read = read_params(reader);
    if (faults.empty()) return read;
  }
  return Error{Errc::invalid_argument, "the parameters are not valid",
               std::move(faults)};
}

}  // namespace troupe
