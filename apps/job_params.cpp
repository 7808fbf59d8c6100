#include "apps/job_params.hpp"

#include <optional>

#include "apps/render/table.hpp"
#include "codec/json_keys.hpp"
#include "codec/json_path.hpp"
#include "config/options.hpp"
#include "kinds/kinds.hpp"
#include "kinds/process_run.hpp"
#include "models/text/utf8.hpp"

namespace troupe {

using std::string;
using std::string_view;

static const ParamInfo* find_param(const Kind* kind, string_view name) {
  if (!kind) return nullptr;
  for (const auto& param : kind->params)
    if (param.name == name) return &param;
  return nullptr;
}

std::pair<string, string> split_pair(const string& option, const string& text,
                                     std::vector<Fault>& faults) {
  const auto equals = text.find('=');
  if (equals != text.npos && equals > 0)
    return {text.substr(0, equals), text.substr(equals + 1)};
  faults.push_back({option, "'" + text + "' must be NAME=VALUE"});
  return {};
}

void JobParams::fault(const string& path, string message) {
  faults_.push_back({path, std::move(message)});
}

/// ": json: ... (at messages[0].content)".
static string broken(const string& text, const Error& why) {
  const auto path = path_of_break(text);
  return ": " + why.message + (path.empty() ? "" : " (at " + path + ")");
}

void JobParams::everything() {
  if (options_.all_params.empty()) return;
  auto all = parse_json(options_.all_params);
  known_ = all && all->is_object();
  if (known_)
    params_ = *std::move(all);
  else
    fault("--params",
          "must be a JSON object such as '{\"text\":\"hi\"}'" +
              (all ? "" : broken(options_.all_params, all.error())));
  repeated("--params", options_.all_params);
}

void JobParams::read() {
  everything();
  for (const auto& text : options_.params) {
    auto [name, value] = split_pair("--param", text, faults_);
    const auto points = to_code_points(name.empty() ? text : value);
    if (!points) {
      fault("--param",
            render::printable(name) + " is no text: " + points.error().message);
      known_ = false;
    } else if (!name.empty()) {
      set("--param", name, value);
    }
  }
  words();
  move_long();
}

/// "@FILE" names the file that a parameter stands in; false: it is no such.
bool JobParams::name_file(const string& name, const string& value) {
  if (!value.starts_with('@') || value.starts_with("@@") ||
      !find_param(kind_, name + "_input"))
    return false;
  files_.push_back({name, value.substr(1), {}});
  params_[name + "_input"] = name;
  return true;
}

/// What makes the parameters too long for any node goes as a file.
void JobParams::move_long() {
  constexpr std::size_t kMostBytes = JobConfig{}.max_params_bytes;
  for (const char* name : {"messages", "prompt"}) {
    const auto input = string(name) + "_input";
    if (!params_.contains(name) || !find_param(kind_, input) ||
        dump_json(params_).size() <= kMostBytes)
      continue;
    const auto& value = params_[name];
    files_.push_back(
        {name, {}, value.is_string() ? value.get<string>() : dump_json(value)});
    params_.erase(name);
    params_[input] = name;
  }
}

/// Lists and objects that are no JSON: as a text they would be refused too, but
/// nobody would hear why.
bool JobParams::is_broken(const string& option, const string& name,
                          const string& value, const Result<Json>& json) {
  const auto* info = find_param(kind_, name);
  const bool is_json = info && !info->type.ends_with("string") &&
                       (value.starts_with('[') || value.starts_with('{'));
  if (json || !is_json) return false;
  const auto path = path_of_break(value);
  fault(option, name + (path.empty() || path.starts_with('[') ? "" : ".") +
                    path + " is not JSON: " + json.error().message);
  return true;
}

void JobParams::repeated(const string& path, const string& json) {
  for (const auto& key : repeated_keys(json))
    fault(path, "'" + key + "' is given twice; keep one of them");
}

/// The parameter's type says how the text is to be read. Lists add up; of
/// anything else a second one would take the first one's place.
void JobParams::set(const string& option, const string& name,
                    const string& value) {
  const auto* info = find_param(kind_, name);
  const auto type = info ? info->type : string_view{};
  if (name_file(name, value)) return;
  if (type.starts_with("array")) return add_to_list(option, name, value);
  if (!given_.insert(name).second)
    return fault(option, "'" + name + "' is given twice; keep one of them");
  if (type == "string") {
    const bool escaped =
        value.starts_with("@@") && find_param(kind_, name + "_input");
    params_[name] = escaped ? value.substr(1) : value;
    return;
  }
  auto json = parse_json(value);
  if (is_broken(option, name, value, json)) return;
  repeated("params." + name, value);
  // Unknown parameters go through as they are: the head names the nearest.
  params_[name] = json ? *std::move(json) : Json(value);
}

void JobParams::add_to_list(const string& option, const string& name,
                            const string& value) {
  auto& list = params_[name];
  if (list.is_null()) list = Json::array();
  if (!list.is_array()) return;  // Of --params; the head says what it must be.
  auto json = parse_json(value);
  if (is_broken(option, name, value, json)) return;
  repeated("params." + name, value);
  if (json && json->is_array())
    for (auto& item : *json) list.push_back(std::move(item));
  else
    list.push_back(json && json->is_object() ? *std::move(json) : Json(value));
}

void JobParams::words() {
  if (kind_ && options_.kind != "process.run") return no_words();
  if (!options_.argv.empty()) command();
  for (const auto& text : options_.outputs) set("--output", "outputs", text);
  for (const auto& text : options_.progress) {
    const auto wrong = text.starts_with('{')  // With its parameters.
                           ? std::optional<string>{}
                           : unknown_rule(text);
    if (wrong)
      fault("--progress", *wrong);
    else
      set("--progress", "progress", text);
  }
  for (const auto& text : options_.env) {
    auto [name, value] = split_pair("--env", text, faults_);
    if (!name.empty()) set_variable(name, value);
  }
}

/// What stands behind "--": the whole command.
void JobParams::command() {
  if (params_.contains("argv"))
    return fault("-- ARGV",
                 "'argv' is given twice: behind '--' and as a parameter; "
                 "keep one of them");
  params_["argv"] = options_.argv;
}

void JobParams::set_variable(const string& name, const string& value) {
  auto& env = params_["env"];
  if (env.is_null()) env = Json::object();
  if (!env.is_object()) return;  // The head says what it must be.
  if (env.contains(name))
    return fault("--env", "'" + name + "' is given twice; keep one of them");
  env[name] = value;
}

/// Another kind has none of the words that stand for process.run's
/// parameters.
void JobParams::no_words() {
  const std::pair<const char*, bool> words[] = {
      {"-- ARGV", !options_.argv.empty()},
      {"--output", !options_.outputs.empty()},
      {"--progress", !options_.progress.empty()},
      {"--env", !options_.env.empty()},
  };
  for (const auto& [word, used] : words)
    if (used)
      fault(word, "is for process.run; " + options_.kind +
                      " takes its parameters as -p NAME=VALUE");
}

}  // namespace troupe
