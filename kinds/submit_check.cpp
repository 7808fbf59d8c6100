#include "kinds/submit_check.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include "core/nearest.hpp"
#include "kinds/kinds.hpp"

namespace troupe {
namespace {

using std::string;
using std::string_view;

constexpr std::uint32_t kVersion = 1;       // Of JobSpec.
constexpr std::size_t kMaxNameBytes = 255;  // As a file's name on disk.
constexpr std::size_t kMaxOutputBytes = 4'096;
constexpr std::size_t kMaxKindBytes = 128;
constexpr std::size_t kMaxPointerBytes = 1'024;

string item(string_view list, std::size_t i, string_view member = "") {
  return string(list) + "[" + std::to_string(i) + "]" + string(member);
}

bool has_control(string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

bool is_sha256(string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

string name_fault(string_view name) {
  if (name.empty()) return "must not be empty";
  if (name.size() > kMaxNameBytes)
    return "is over " + std::to_string(kMaxNameBytes) + " bytes";
  if (name.find('/') != name.npos) return "must be a name without '/'";
  if (name == "." || name == "..") return "must name a file";
  if (has_control(name)) return "must not hold control characters";
  return {};
}

/// Of a file that a job left: as its artifact is named, below its folder.
string output_fault(string_view path) {
  if (path.size() > kMaxOutputBytes)
    return "is over " + std::to_string(kMaxOutputBytes) + " bytes";
  for (;;) {
    const auto slash = path.find('/');
    if (auto fault = name_fault(path.substr(0, slash)); !fault.empty())
      return slash == path.npos ? fault : "must name a file below the folder";
    if (slash == path.npos) return {};
    path.remove_prefix(slash + 1);
  }
}

/// What to do about parameters that are too long: what the kind can read from
/// a file.
string way_out(const Kind* kind) {
  constexpr string_view kInput = "_input";
  if (!kind) return {};
  for (const auto& row : kind->params) {
    if (!row.name.ends_with(kInput)) continue;
    const string name(row.name.substr(0, row.name.size() - kInput.size()));
    return "; put a long text into a file: --param " + name +
           "=@FILE (an input file that " + string(row.name) + " names)";
  }
  return {};
}

class Check {
 public:
  /// `kind`: null where it is unknown.
  Check(const JobSpec& spec, const Kind* kind, const JobConfig& limits)
      : spec_{spec}, kind_{kind}, limits_{limits} {}

  std::vector<Fault> run() {
    if (!spec_.id) add("id", "is missing: a ULID of the client's making");
    if (spec_.version != kVersion)
      add("version",
          "is " + std::to_string(spec_.version) + "; known is 1: leave it out");
    counts();
    tags();
    times();
    retry();
    dependencies();
    inputs();
    bindings();
    if (spec_.memory_bytes > kMaxMemoryBytes)
      add("memory_bytes", "must be at most 2^50");
    names();
    return std::move(faults_);
  }

 private:
  static constexpr std::uint64_t kMaxMemoryBytes = 1ull << 50;

  void add(string path, string message) {
    faults_.push_back({std::move(path), std::move(message)});
  }

  void at_most(string_view path, std::size_t count, std::int64_t limit,
               string_view what) {
    if (count > static_cast<std::size_t>(limit))
      add(string(path), "has " + std::to_string(count) + " " + string(what) +
                            "; at most " + std::to_string(limit) +
                            " are allowed");
  }

  void counts() {
    at_most("tags", spec_.tags.size(), limits_.max_tags, "tags");
    at_most("inputs", spec_.inputs.size(), limits_.max_inputs, "files");
    at_most("bindings", spec_.bindings.size(), limits_.max_bindings,
            "bindings");
    at_most("depends_on", spec_.depends_on.size(), limits_.max_depends_on,
            "jobs");
    if (spec_.params.size() >
        static_cast<std::size_t>(limits_.max_params_bytes))
      add("params", "are " + std::to_string(spec_.params.size()) +
                        " bytes; at most " +
                        std::to_string(limits_.max_params_bytes) +
                        " are allowed" + way_out(kind_));
  }

  void names() {
    if (spec_.model.size() > kMaxNameBytes) add("model", "is over 255 bytes");
    if (spec_.device.size() > kMaxNameBytes) add("device", "is over 255 bytes");
    if (has_control(spec_.model))
      add("model", "must not hold control characters");
    if (has_control(spec_.device))
      add("device", "must not hold control characters");
  }

  void tags() {
    std::set<string_view> seen;
    for (std::size_t i = 0; i < spec_.tags.size(); ++i) {
      const auto& tag = spec_.tags[i];
      if (tag.empty()) add(item("tags", i), "must not be empty");
      if (tag.size() > static_cast<std::size_t>(limits_.max_tag_bytes))
        add(item("tags", i),
            "is over " + std::to_string(limits_.max_tag_bytes) + " bytes");
      if (has_control(tag))
        add(item("tags", i), "must not hold control characters");
      if (!seen.insert(tag).second) add(item("tags", i), "is there twice");
    }
  }

  void times() {
    if (spec_.not_before_ms && *spec_.not_before_ms < 0)
      add("not_before_ms", "must be a time in unix milliseconds");
    if (spec_.deadline_ms && *spec_.deadline_ms < 0)
      add("deadline_ms", "must be a time in unix milliseconds");
    if (spec_.not_before_ms && spec_.deadline_ms &&
        *spec_.deadline_ms <= *spec_.not_before_ms)
      add("deadline_ms", "must be after not_before_ms");
    if (spec_.timeout_ms &&
        (*spec_.timeout_ms < 1 || *spec_.timeout_ms > limits_.max_timeout_ms))
      add("timeout_ms",
          "must be from 1 to " + std::to_string(limits_.max_timeout_ms));
  }

  void retry() {
    const auto& retry = spec_.retry;
    if (retry.max_attempts < 1 || retry.max_attempts > limits_.max_attempts)
      add("retry.max_attempts",
          "must be from 1 to " + std::to_string(limits_.max_attempts));
    if (retry.backoff_ms < 0 || retry.backoff_ms > limits_.max_backoff_ms)
      add("retry.backoff_ms",
          "must be from 0 to " + std::to_string(limits_.max_backoff_ms));
    if (retry.max_backoff_ms < retry.backoff_ms ||
        retry.max_backoff_ms > limits_.max_backoff_ms)
      add("retry.max_backoff_ms", "must be from retry.backoff_ms to " +
                                      std::to_string(limits_.max_backoff_ms));
  }

  void job(const string& path, JobId id) {
    if (!id)
      add(path, "must be a job's id");
    else if (id == spec_.id)
      add(path, "is the job itself");
  }

  void dependencies() {
    for (std::size_t i = 0; i < spec_.depends_on.size(); ++i)
      job(item("depends_on", i), spec_.depends_on[i]);
    if (spec_.parent) job("parent", *spec_.parent);
  }

  void inputs() {
    std::set<string_view> seen;
    for (std::size_t i = 0; i < spec_.inputs.size(); ++i) {
      const auto& input = spec_.inputs[i];
      auto fault = name_fault(input.name);
      if (!fault.empty()) add(item("inputs", i, ".name"), fault);
      if (!seen.insert(input.name).second)
        add(item("inputs", i, ".name"), "is there twice");
      if (input.job) {
        job(item("inputs", i, ".job"), *input.job);
        fault = output_fault(input.output);
        if (!fault.empty()) add(item("inputs", i, ".output"), fault);
        if (!input.sha256.empty())
          add(item("inputs", i, ".sha256"),
              "cannot be set together with job: an input is a file or a "
              "job's output");
      } else if (!is_sha256(input.sha256)) {
        add(item("inputs", i, ".sha256"),
            "must be 64 hexadecimal digits in lower case, or name a job and "
            "its output");
      }
    }
  }

  void bindings() {
    std::set<string_view> seen;
    for (std::size_t i = 0; i < spec_.bindings.size(); ++i) {
      const auto& binding = spec_.bindings[i];
      if (binding.path.empty() || !is_json_pointer(binding.path) ||
          binding.path.size() > kMaxPointerBytes)
        add(item("bindings", i, ".path"),
            "must be a JSON pointer into the parameters, such as /prompt");
      if (!is_json_pointer(binding.pointer) ||
          binding.pointer.size() > kMaxPointerBytes)
        add(item("bindings", i, ".pointer"),
            "must be a JSON pointer into that job's result, such as /text");
      if (!seen.insert(binding.path).second)
        add(item("bindings", i, ".path"), "is there twice");
      job(item("bindings", i, ".job"), binding.job);
    }
  }

  const JobSpec& spec_;
  const Kind* kind_;
  const JobConfig& limits_;
  std::vector<Fault> faults_;
};

/// About what the specification takes in a record.
std::size_t spec_bytes(const JobSpec& spec) {
  std::size_t bytes = spec.params.size() + spec.kind.size() +
                      spec.model.size() + spec.device.size() + 512;
  for (const auto& tag : spec.tags) bytes += tag.size() + 8;
  for (const auto& input : spec.inputs)
    bytes += input.name.size() + input.sha256.size() + input.output.size() + 64;
  for (const auto& binding : spec.bindings)
    bytes += binding.path.size() + binding.pointer.size() + 64;
  return bytes + spec.depends_on.size() * 32;
}

/// A binding must name a parameter: nobody would read another one.
void check_bound_names(const JobSpec& spec, const Kind& kind,
                       std::vector<Fault>& faults) {
  std::vector<std::string> known;
  for (const auto& row : kind.params) known.emplace_back(row.name);
  for (std::size_t i = 0; i < spec.bindings.size(); ++i) {
    const auto& path = spec.bindings[i].path;
    if (path.size() < 2 || !is_json_pointer(path)) continue;
    const auto name = path.substr(1, path.find('/', 1) - 1);
    if (std::ranges::find(known, name) == known.end())
      faults.push_back({item("bindings", i, ".path"),
                        "'" + name + "' is no parameter of " + spec.kind +
                            known_names(name, known)});
  }
}

void collect_dependencies(JobSpec& spec) {
  auto& jobs = spec.depends_on;
  for (const auto& input : spec.inputs)
    if (input.job) jobs.push_back(*input.job);
  for (const auto& binding : spec.bindings) jobs.push_back(binding.job);
  std::set<JobId> seen;
  std::erase_if(jobs, [&](JobId id) { return !seen.insert(id).second; });
}

}  // namespace

bool is_json_pointer(string_view text) {
  if (text.empty()) return true;
  if (text.front() != '/') return false;
  for (auto at = text.find('~'); at != text.npos; at = text.find('~', at + 1))
    if (at + 1 == text.size() || (text[at + 1] != '0' && text[at + 1] != '1'))
      return false;
  return true;
}

std::vector<Fault> check_submit(JobSpec& spec, const Kinds& kinds,
                                const JobConfig& limits) {
  const auto* kind =
      spec.kind.size() > kMaxKindBytes ? nullptr : find_kind(kinds, spec.kind);
  auto faults = Check{spec, kind, limits}.run();
  if (!kind) {
    faults.insert(faults.begin(), {"kind", unknown_kind(kinds, spec.kind)});
    return faults;
  }
  if (kind->needs_model && spec.model.empty())
    faults.push_back({"model", spec.kind +
                                   " needs a model: one that troupe models "
                                   "list names, or a folder"});
  check_bound_names(spec, *kind, faults);
  kind->normalise(spec, faults);
  if (!faults.empty()) return faults;
  collect_dependencies(spec);
  if (spec.depends_on.size() > static_cast<std::size_t>(limits.max_depends_on))
    faults.push_back(
        {"depends_on",
         "with the jobs of inputs and bindings has " +
             std::to_string(spec.depends_on.size()) + " jobs; at most " +
             std::to_string(limits.max_depends_on) + " are allowed"});
  // Defaults may have been added to the parameters.
  if (spec_bytes(spec) > static_cast<std::size_t>(limits.max_spec_bytes))
    faults.push_back({"", "the job is over " +
                              std::to_string(limits.max_spec_bytes) + " bytes" +
                              way_out(kind)});
  return faults;
}

std::vector<Fault> faults_of_model(const JobSpec& spec, const Error& why) {
  const bool of_params = std::ranges::any_of(
      why.faults, [](const Fault& f) { return f.path.starts_with("params."); });
  if (of_params) return why.faults;
  auto text = "cannot be used: " + why.message;
  const std::string command = "troupe models check ";
  if (why.faults.size() > 1)
    text += "; to see all of it: " + command + spec.model;
  else if (why.code == Errc::corrupt && text.find(command) == text.npos)
    text +=
        "; mend the folder, then see that it is whole: " + command + spec.model;
  return {{"model", std::move(text)}};
}

void add_narrower(std::vector<Fault>& faults, std::vector<Fault> narrower) {
  for (const auto& fault : narrower)
    std::erase_if(faults, [&](const Fault& f) { return f.path == fault.path; });
  std::ranges::move(narrower, std::back_inserter(faults));
}

Error submit_error(std::vector<Fault> faults) {
  string message = faults.front().path.empty()
                       ? faults.front().message
                       : faults.front().path + " " + faults.front().message;
  if (faults.size() > 1)
    message += " (and " + std::to_string(faults.size() - 1) + " more)";
  if (faults.size() > kMaxToldFaults) {
    const auto left = faults.size() - kMaxToldFaults;
    faults.resize(kMaxToldFaults);
    faults.push_back({"", "and " + std::to_string(left) + " faults more"});
  }
  return {Errc::invalid_argument, std::move(message), std::move(faults)};
}

}  // namespace troupe
