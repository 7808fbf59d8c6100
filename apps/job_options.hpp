// A job as the command line states it, turned into a specification. Pure: it
// reads no file and asks nobody; local files are named, not opened.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "codec/json.hpp"
#include "core/clock.hpp"
#include "core/kind.hpp"

namespace troupe {

/// The options of `submit` and `run`, as texts.
struct JobOptions {
  std::string kind;
  std::vector<std::string> params;    // NAME=VALUE
  std::string all_params;             // A JSON object.
  std::vector<std::string> inputs;    // [NAME=]FILE, NAME=ID:OUTPUT, ...
  std::vector<std::string> bindings;  // NAME=ID:/POINTER
  std::vector<std::string> after;     // ID
  std::vector<std::string> tags;
  std::string priority;
  std::string model;
  std::string device;
  std::string parent;
  std::string id;
  std::string timeout;
  std::string memory;
  std::string not_before;
  std::string deadline;
  std::string on_lost;
  std::int64_t retries = -1;
  // Sugar for process.run.
  std::vector<std::string> outputs;
  std::vector<std::string> progress;
  std::vector<std::string> env;  // NAME=VALUE
  std::vector<std::string> argv;
};

struct LocalFile {
  std::size_t input = 0;  // Index into spec.inputs, whose hash it will give.
  std::filesystem::path path;
  std::string bytes;  // Without a path: these.
};

struct DraftJob {
  JobSpec spec;
  std::vector<LocalFile> files;
};

/// What is wrong with a local file that may have so many bytes, or nothing.
using FileFault =
    std::function<std::string(const std::filesystem::path&, std::uint64_t)>;

/// What is wrong with a job for its model, as far as that is known here.
using ModelFaults = std::function<std::vector<Fault>(const JobSpec&)>;

/// Errors: invalid_argument, with a fault per thing wrong. The head checks
/// what is left; where something is wrong already, what it would say of the
/// rest is told with it.
Result<DraftJob> draft_job(const JobOptions& options, const Kinds& kinds,
                           UnixMs now, const FileFault& file_fault = {},
                           const ModelFaults& model_faults = {});

/// What every head would refuse in a draft, whatever its limits are; where that
/// is something, with what `model_faults` says.
std::vector<Fault> draft_faults(JobSpec spec, const Kinds& kinds,
                                const ModelFaults& model_faults = {});

/// One line of `submit --json -`: the fields of a job's specification, with
/// `params` as an object. Errors: invalid_argument, as draft_job's.
Result<JobSpec> job_from_json(std::string_view line, const Kinds& kinds);

/// "+10m" from now, "1700000000000" (unix milliseconds) or
/// "2026-11-21T09:32:41Z". Errors: invalid_argument.
Result<UnixMs> parse_time(std::string_view text, UnixMs now);

/// The kind's parameter table for people.
std::string param_help(const Kind& kind);

}  // namespace troupe
