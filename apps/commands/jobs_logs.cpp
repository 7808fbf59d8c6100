// troupe jobs logs: what a job's program printed. Ended: from the stored log;
// running: the newest lines, and with --follow those to come.
#include <sstream>

#include "apps/away_notice.hpp"
#include "apps/commands/commands.hpp"
#include "apps/fetching.hpp"
#include "apps/interrupt.hpp"
#include "apps/job_ids.hpp"
#include "apps/job_watch.hpp"
#include "apps/render/table.hpp"

namespace troupe::commands {
namespace {

struct LogsOptions {
  std::string id;
  std::int64_t attempt = 0;  // 0: the newest.
  bool follow = false;
};

/// What connectors name an attempt's log.
std::string log_name(std::uint32_t attempt) {
  return "attempt-" + std::to_string(attempt) + ".log";
}

const ArtifactRef* find_file(const JobView& job, const std::string& name) {
  for (const auto& file : job.artifacts)
    if (file.name == name) return &file;
  return nullptr;
}

/// One line of a log, wherever it comes from: "stdout | text".
void print_line(const Invocation& call, JobId job, std::uint32_t attempt,
                const std::string& stream, const std::string& text) {
  if (call.json)
    call.out() << dump_json({{"job", to_string(job)},
                             {"attempt", attempt},
                             {"stream", stream},
                             {"text", text}})
               << "\n";
  else
    call.out() << stream << " | " << render::printable(text) << "\n";
}

/// What was lost is missing before the first line of the batch.
void print_live(const Invocation& call, JobId job, const PullReply& batch) {
  std::uint32_t attempt = 0;
  if (!batch.entries.empty()) attempt = batch.entries.back().change.attempt;
  if (!batch.live.empty()) attempt = batch.live.front().attempt;
  if (batch.live_lost > 0)
    print_line(call, job, attempt, "node", gap_text(batch.live_lost));
  for (const auto& event : batch.live)
    if (event.log)
      print_line(call, event.job, event.attempt, event.log->stream,
                 event.log->text);
  call.out() << std::flush;
}

/// A stored log has the stream before each line; what has none are remarks of
/// the node, such as how much was left out.
void print_stored(const Invocation& call, JobId job, std::uint32_t attempt,
                  std::istream& log) {
  for (std::string line; std::getline(log, line) && call.out();) {
    const auto mark = line.find(" | ");
    const auto stream = line.substr(0, mark);
    if (stream == "stdout" || stream == "stderr" || stream == "node")
      print_line(call, job, attempt, stream, line.substr(mark + 3));
    else
      print_line(call, job, attempt, "node", line);
  }
  call.out() << std::flush;
}

ExitCode print_running(const Invocation& call, client::Client& client, JobId id,
                       bool follow) {
  client::FollowOptions how;
  how.job = id;
  how.live = true;
  auto follower = client.follow(how);
  if (!follower) return call.fail(follower.error());
  const InterruptWatch interrupts;
  AwayNotice away{client, says_to(call.err())};
  while (!(*follower)->finished() && call.out()) {
    if (interrupts.count() > 0) return ExitCode::interrupted;
    auto batch = (*follower)->next(kInterruptStepMs);
    if (!batch) return call.fail(batch.error());
    const bool nothing = batch->entries.empty() && batch->live.empty();
    print_live(call, id, *batch);
    if (!follow && nothing) break;
    away.step(!nothing);
  }
  return ExitCode::ok;
}

ExitCode logs(Invocation& call, const LogsOptions& options) {
  auto id = job_id(options.id);
  if (!id) return call.misused(id.error().message);
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  auto job = (*client)->show(*id);
  if (!job) return call.fail(job.error());
  if (!is_terminal(job->state) && options.attempt == 0)
    return print_running(call, **client, *id, options.follow);
  const auto attempt = options.attempt > 0
                           ? static_cast<std::uint32_t>(options.attempt)
                           : job->attempt;
  const auto name = log_name(attempt);
  const auto* log = find_file(*job, name);
  if (!log)
    return call.fail({Errc::not_found,
                      options.id + " (" + job->spec.kind + ", " +
                          std::string(to_string(job->state)) + ") left no " +
                          name + "; `troupe jobs show` says what there is"});
  std::stringstream text;
  auto read = print_artifact(**client, log->sha256, text);
  if (!read) return call.fail(read.error());
  print_stored(call, *id, attempt, text);
  return ExitCode::ok;
}

}  // namespace

void add_jobs_logs(CLI::App& jobs, Invocation& call) {
  auto o = std::make_shared<LogsOptions>();
  auto* command = add_command(jobs, call, "logs", "What a job printed",
                              [&call, o] { return logs(call, *o); });
  command->add_option("id", o->id, "The job")->type_name("ID")->required();
  add_number(*command, "--attempt", o->attempt,
             "Of this attempt, once it is over", "N", 1, UINT32_MAX);
  command->add_flag("-f,--follow", o->follow, "Stay until the job has ended");
}

}  // namespace troupe::commands
