#include "connectors/process/attempt_files.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "connectors/process/bounded_log.hpp"
#include "connectors/process/outcome.hpp"
#include "connectors/process/outputs.hpp"
#include "connectors/process/utf8.hpp"
#include "platform/file.hpp"

namespace troupe {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLastLines = 20;
constexpr std::size_t kLastLineBytes = 500;
constexpr char kLogType[] = "text/plain; charset=utf-8";

void remove_tree(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

std::string log_name(std::uint32_t attempt) {
  return "attempt-" + std::to_string(attempt) + ".log";
}

Status write_plain(const fs::path& path, std::string_view bytes) {
  auto file = platform::open_write(path);
  if (!file) return file.error();
  return platform::write_all(file->get(), bytes);
}

// The segments as one file, for the time of saving it.
Result<ArtifactRef> save_log(const fs::path& log, const std::string& name,
                             const fs::path& scratch, ArtifactAccess& artifacts,
                             const std::optional<UnwrittenLines>& unwritten) {
  auto text = read_log(log);
  if (!text) return text.error();
  if (unwritten) *text += text_of(*unwritten);
  const fs::path whole = scratch.string() + "." + name;
  const auto written =
      write_with_room(artifacts, [&] { return write_plain(whole, *text); });
  if (!written) {
    remove_tree(whole);
    return written.error();
  }
  auto saved = artifacts.save(whole, name, kLogType);
  remove_tree(whole);
  return saved;
}

void save_logs(const AttemptPaths& paths, std::uint32_t newest,
               ArtifactAccess& artifacts, JobEnd& end,
               const std::optional<UnwrittenLines>& unwritten = {}) {
  for (std::uint32_t attempt = 1; attempt <= newest; ++attempt) {
    const auto name = log_name(attempt);
    const auto log = paths.log.parent_path() / name;
    const auto rest = attempt == newest ? unwritten : std::nullopt;
    auto saved = save_log(log, name, paths.scratch, artifacts, rest);
    // A log that is not there or cannot be kept changes nothing of the job.
    if (saved) end.artifacts.push_back(*std::move(saved));
  }
}

JobEnd with_outputs(const AttemptPaths& paths, const Assignment& assignment,
                    const ProcessRunParams& params, ArtifactAccess& artifacts,
                    JobEnd end,
                    const std::optional<UnwrittenLines>& unwritten) {
  std::set<std::string> inputs;
  for (const auto& input : assignment.inputs) inputs.insert(input.name);
  auto files = find_outputs(paths.scratch, params.outputs, inputs);
  if (!files) {
    auto failed =
        describe_failure(FailureClass::command, "output_missing",
                         files.error().message, last_lines(paths, unwritten));
    failed.result = end.result;
    return failed;
  }
  for (const auto& file : *files) {
    auto saved = artifacts.save(file.path, file.name, media_type_of(file.name));
    if (saved) {
      end.artifacts.push_back(*std::move(saved));
      continue;
    }
    auto failed =
        describe_failure(class_of(saved.error().code), "output_not_saved",
                         "the output " + file.name +
                             " could not be kept: " + saved.error().message,
                         last_lines(paths, unwritten));
    failed.result = end.result;
    return failed;
  }
  return end;
}

}  // namespace

AttemptPaths attempt_paths(const fs::path& folder, const Token& token,
                           const ProcessRunParams& params) {
  const auto job = to_string(token.job);
  const auto name = job + "-attempt-" + std::to_string(token.attempt);
  AttemptPaths paths{.scratch = folder / "scratch" / name,
                     .stdin_file = {},
                     .record = folder / "records" / name,
                     .log = folder / "logs" / job / log_name(token.attempt)};
  if (params.stdin_text) paths.stdin_file = paths.scratch.string() + ".in";
  if (params.stdin_input)
    paths.stdin_file = paths.scratch / *params.stdin_input;
  return paths;
}

void sweep_attempt_files(const fs::path& folder,
                         const std::function<bool(JobId)>& is_over) {
  remove_tree(folder / "scratch");
  const auto oldest =
      fs::file_time_type::clock::now() - std::chrono::hours{kLogKeepHours};
  std::error_code failed;
  std::vector<fs::path> useless;
  for (const auto& entry : fs::directory_iterator(folder / "logs", failed)) {
    const auto job = parse_job_id(entry.path().filename().string());
    const bool goes =
        job && is_over ? is_over(*job) : entry.last_write_time(failed) < oldest;
    if (goes) useless.push_back(entry.path());
  }
  for (const auto& path : useless) remove_tree(path);
}

void remove_logs(const fs::path& folder, JobId job) {
  remove_tree(folder / "logs" / to_string(job));
}

Status prepare_files(const AttemptPaths& paths, const Assignment& assignment,
                     const ProcessRunParams& params,
                     ArtifactAccess& artifacts) {
  remove_tree(paths.scratch);
  for (const auto& dir :
       {paths.scratch, paths.record.parent_path(), paths.log.parent_path()}) {
    auto made = platform::make_dirs(dir);
    if (!made) return made;
  }
  for (const auto& input : assignment.inputs) {
    if (!is_inside(input.name))
      return Error{Errc::invalid_argument,
                   "the input name '" + input.name +
                       "' leads out of the scratch folder"};
    const auto path = paths.scratch / input.name;
    std::error_code failed;
    fs::create_directories(path.parent_path(), failed);
    auto fetched = artifacts.fetch(input.sha256, path);
    if (fetched) continue;
    fetched.error().message = "the input " + input.name +
                              " could not be had: " + fetched.error().message;
    return fetched;
  }
  if (params.stdin_text)
    return write_plain(paths.stdin_file, *params.stdin_text);
  return ok();
}

JobEnd keep_files(const AttemptPaths& paths, const Assignment& assignment,
                  const ProcessRunParams& params, ArtifactAccess& artifacts,
                  JobEnd end, const std::optional<UnwrittenLines>& unwritten) {
  if (end.state == JobState::succeeded)
    end = with_outputs(paths, assignment, params, artifacts, std::move(end),
                       unwritten);
  save_logs(paths, assignment.token.attempt, artifacts, end, unwritten);
  // The logs stay: until the end is on disk the attempt may yet be lost.
  remove_files(paths);
  return end;
}

KeptLogs keep_lost_logs(const fs::path& folder, JobId job, std::uint32_t newest,
                        ArtifactAccess& artifacts) {
  const Token token{.epoch = 0, .job = job, .attempt = newest};
  const auto paths = attempt_paths(folder, token, {});
  KeptLogs kept{.artifacts = {}, .last_lines = last_lines(paths)};
  JobEnd end;
  save_logs(paths, newest, artifacts, end);
  kept.artifacts = std::move(end.artifacts);
  return kept;
}

void remove_files(const AttemptPaths& paths) {
  remove_tree(paths.scratch);
  remove_tree(paths.scratch.string() + ".in");
  remove_tree(paths.record);
}

std::vector<std::string> last_lines(
    const AttemptPaths& paths, const std::optional<UnwrittenLines>& unwritten) {
  auto lines = last_log_lines(paths.log, kLastLines);
  if (unwritten) {
    lines.insert(lines.end(), unwritten->newest.begin(),
                 unwritten->newest.end());
    if (lines.size() > kLastLines)
      lines.erase(lines.begin(), lines.end() - kLastLines);
  }
  for (auto& line : lines) line = std::string{cut_utf8(line, kLastLineBytes)};
  return lines;
}

}  // namespace troupe
