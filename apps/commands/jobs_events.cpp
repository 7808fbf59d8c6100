// troupe jobs events: what happened to a job, in order; durable events, and
// with --live progress and log lines too.
#include "apps/away_notice.hpp"
#include "apps/commands/commands.hpp"
#include "apps/interrupt.hpp"
#include "apps/job_ids.hpp"
#include "apps/job_watch.hpp"
#include "apps/render/amounts.hpp"
#include "apps/render/json.hpp"
#include "apps/render/table.hpp"

namespace troupe::commands {
namespace {

constexpr std::int64_t kAtOnceMs = 10'000;

struct EventsOptions {
  std::string id;
  std::int64_t from = 1;
  bool follow = false;
  bool live = false;
};

std::string about(const Change& change) {
  if (change.start) return "on " + change.start->device;
  if (change.requeue) return change.requeue->failure.message;
  if (change.end && change.end->failure) return change.end->failure->message;
  if (change.note) return note_text(*change.note);
  return "";
}

std::string text(const LogEntry& entry) {
  const auto& change = entry.change;
  auto state = state_after(change);
  return std::to_string(change.seq) + "  " +
         render::local_time(change.time_ms) + "  " +
         std::string(to_string(change.type)) +
         (state ? " -> " + std::string(to_string(*state)) : "") +
         (change.attempt > 0 ? "  attempt " + std::to_string(change.attempt)
                             : "") +
         "  " + render::printable(about(change)) + "\n";
}

std::string text(const LiveEvent& event) {
  std::string what(to_string(event.type));
  if (event.log) what = event.log->stream + " | " + event.log->text;
  if (event.type == LiveType::token) what += "  " + event.token;
  if (event.progress) what = "progress  " + progress_text(*event.progress);
  return "-  " + render::local_time(event.time_ms) + "  " +
         render::printable(what) + "\n";
}

template <class Event>
void print(const Invocation& call, const Event& event) {
  if (call.json)
    call.out() << dump_json(render::event(event)) << "\n";
  else
    call.out() << text(event);
}

/// The job's end stands behind what was heard before it.
void print(const Invocation& call, const PullReply& batch, bool live) {
  const auto is_end = [](const LogEntry& entry) {
    return entry.change.type == ChangeType::ended;
  };
  for (const auto& entry : batch.entries)
    if (!is_end(entry)) print(call, entry);
  if (live)
    for (const auto& event : batch.live) print(call, event);
  for (const auto& entry : batch.entries)
    if (is_end(entry)) print(call, entry);
  call.out() << std::flush;
}

/// Without --follow: what is there now, up to the job's newest event.
ExitCode print_known(const Invocation& call, client::Client& client, JobId id,
                     client::Follower& follower, std::uint32_t from) {
  auto job = client.show(id);
  if (!job) return call.fail(job.error());
  auto seen = from - 1;
  while (seen < job->seq && call.out()) {
    auto batch = follower.next(kAtOnceMs);
    if (!batch) return call.fail(batch.error());
    if (batch->entries.empty())
      return call.fail({Errc::timeout, "the node sends no events; try again"});
    while (!batch->entries.empty() &&
           batch->entries.back().change.seq > job->seq)
      batch->entries.pop_back();
    if (batch->entries.empty()) break;
    seen = batch->entries.back().change.seq;
    print(call, *batch, false);
  }
  return ExitCode::ok;
}

/// Nothing follows the end of a job: who begins behind it would wait for ever.
bool ended_before(const JobView& job, std::uint32_t after_seq) {
  return is_terminal(job.state) && job.seq <= after_seq;
}

ExitCode events(Invocation& call, const EventsOptions& options) {
  auto id = job_id(options.id);
  if (!id) return call.misused(id.error().message);
  if (options.live && !options.follow)
    return call.misused("--live needs --follow: live events are not kept");
  const InterruptWatch interrupts;
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  client::FollowOptions how;
  how.job = *id;
  how.after_seq = static_cast<std::uint32_t>(options.from - 1);
  how.live = options.live;
  auto follower = (*client)->follow(how);
  if (!follower) return call.fail(follower.error());
  if (!options.follow)
    return print_known(call, **client, *id, **follower, how.after_seq + 1);
  AwayNotice away{**client, says_to(call.err())};
  auto job = (*client)->show(*id);
  if (!job) return call.fail(job.error());
  if (ended_before(*job, how.after_seq)) return ExitCode::ok;
  // What comes next is passed over, and it may be the end.
  const bool skips = how.after_seq > job->seq;
  while (!(*follower)->finished() && call.out()) {
    if (interrupts.count() > 0) return ExitCode::interrupted;
    auto batch = (*follower)->next(kInterruptStepMs);
    if (!batch) return call.fail(batch.error());
    if (skips && batch->entries.empty()) {
      job = (*client)->show(*id);
      if (job && ended_before(*job, how.after_seq)) break;
    }
    away.step(!batch->entries.empty() || !batch->live.empty());
    print(call, *batch, options.live);
  }
  return ExitCode::ok;
}

}  // namespace

void add_jobs_events(CLI::App& jobs, Invocation& call) {
  auto o = std::make_shared<EventsOptions>();
  auto* command = add_command(jobs, call, "events", "What happened to a job",
                              [&call, o] { return events(call, *o); });
  command->add_option("id", o->id, "The job")->type_name("ID")->required();
  add_number(*command, "--from", o->from, "Begin with this sequence number",
             "SEQ", 1, UINT32_MAX);
  command->add_flag("-f,--follow", o->follow, "Stay until the job has ended");
  command->add_flag("--live", o->live,
                    "With --follow: progress and log lines too");
}

}  // namespace troupe::commands
