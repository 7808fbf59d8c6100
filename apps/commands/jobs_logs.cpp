// troupe jobs logs: what a job's program printed. Ended: from the stored log;
// running: the newest lines, and with --follow those to come.
#include "apps/commands/commands.hpp"
#include "apps/fetching.hpp"
#include "apps/job_ids.hpp"
#include "apps/render/json.hpp"
#include "apps/render/table.hpp"

namespace troupe::commands {
namespace {

constexpr std::int64_t kStepMs = 500;

struct LogsOptions {
  std::string id;
  std::uint32_t attempt = 0;  // 0: the newest.
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

void print_lines(const Invocation& call, const PullReply& batch) {
  for (const auto& event : batch.live) {
    if (!event.log) continue;
    if (call.json)
      call.out() << dump_json(render::event(event)) << "\n";
    else
      call.out() << render::printable(event.log->text) << "\n";
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
  while (!(*follower)->finished() && call.out()) {
    auto batch = (*follower)->next(kStepMs);
    if (!batch) return call.fail(batch.error());
    const bool nothing = batch->entries.empty() && batch->live.empty();
    print_lines(call, *batch);
    if (!follow && nothing) break;
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
  const auto name =
      log_name(options.attempt > 0 ? options.attempt : job->attempt);
  const auto* log = find_file(*job, name);
  if (!log)
    return call.fail({Errc::not_found,
                      options.id + " (" + job->spec.kind + ", " +
                          std::string(to_string(job->state)) + ") left no " +
                          name + "; `troupe jobs show` says what there is"});
  if (call.json) {
    call.print(to_json(*log));
    return ExitCode::ok;
  }
  auto printed = print_artifact(**client, log->sha256, call.out());
  return printed ? ExitCode::ok : call.fail(printed.error());
}

}  // namespace

void add_jobs_logs(CLI::App& jobs, Invocation& call) {
  auto o = std::make_shared<LogsOptions>();
  auto* command = add_command(jobs, call, "logs", "What a job printed",
                              [&call, o] { return logs(call, *o); });
  command->add_option("id", o->id, "The job")->type_name("ID")->required();
  command
      ->add_option("--attempt", o->attempt, "Of this attempt, once it is over")
      ->type_name("N");
  command->add_flag("-f,--follow", o->follow, "Stay until the job has ended");
}

}  // namespace troupe::commands
