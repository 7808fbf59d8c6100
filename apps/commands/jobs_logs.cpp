// troupe jobs logs: what a job's program printed. Ended: from the stored log;
// running: the newest lines, and with --follow those to come.
#include <algorithm>
#include <sstream>

#include "apps/away_notice.hpp"
#include "apps/commands/commands.hpp"
#include "apps/fetching.hpp"
#include "apps/interrupt.hpp"
#include "apps/job_ids.hpp"
#include "apps/job_watch.hpp"
#include "apps/render/amounts.hpp"
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

std::string attempt_name(std::uint32_t attempt) {
  return "attempt " + std::to_string(attempt);
}

/// The job, its kind and its state.
std::string name_of(const JobView& job) {
  return to_string(job.spec.id) + " (" + job.spec.kind + ", " +
         std::string(to_string(job.state)) + ")";
}

/// Why a job that has ended printed nothing. REQUIRES: it had no attempt.
std::string never_ran_text(const JobView& job) {
  auto text = name_of(job) + " never ran and printed nothing";
  if (job.failure) return text + ": " + render::printable(job.failure->message);
  if (job.state == JobState::expired && job.spec.deadline_ms)
    text += ": its deadline, " + render::local_time(*job.spec.deadline_ms) +
            ", has passed";
  return text;
}

/// REQUIRES: the job has ended.
Error no_such_attempt(const JobView& job, std::uint32_t attempt) {
  if (job.attempt == 0) return {Errc::not_found, never_ran_text(job)};
  return {Errc::not_found, name_of(job) + " had no " + attempt_name(attempt) +
                               ": its last was " + attempt_name(job.attempt)};
}

/// Of a job that has not ended: what the node still has of its output, and
/// with `follow` what is to come; of one attempt, or of all.
class LiveLog {
 public:
  LiveLog(const Invocation& call, client::Client& client, const JobView& job,
          std::uint32_t attempt, bool follow)
      : call_{call},
        client_{client},
        job_{job},
        wanted_{attempt},
        is_past_{attempt > 0 &&
                 (attempt < job.attempt ||
                  (attempt == job.attempt && job.state != JobState::running))},
        follow_{follow && !is_past_},
        begun_{job.attempt},
        away_{client, says_to(call.err())} {}

  ExitCode print() {
    if (wanted_ > job_.attempt && !follow_)
      return call_.fail({Errc::not_found, name_of(job_) + " has not begun " +
                                              attempt_name(wanted_) +
                                              "; -f waits for it"});
    tell_waiting();
    client::FollowOptions how;
    how.job = job_.spec.id;
    how.live = true;
    auto follower = client_.follow(how);
    if (!follower) return call_.fail(follower.error());
    const InterruptWatch interrupts;
    while (!(*follower)->finished() && !is_over_ && call_.out()) {
      if (interrupts.count() > 0) return ExitCode::interrupted;
      auto batch = (*follower)->next(kInterruptStepMs);
      if (!batch) return call_.fail(batch.error());
      const bool nothing = batch->entries.empty() && batch->live.empty();
      away_.step(!nothing);  // That it is back stands before what it brings.
      take(*batch);
      if (!follow_ && nothing) break;
    }
    return end((*follower)->finished());
  }

 private:
  void note(const std::string& text) const {
    call_.err() << text << "\n" << std::flush;
  }

  void tell_waiting() const {
    if (job_.state == JobState::running || is_past_) return;
    const auto* what =
        job_.attempt == 0 ? " has not begun" : " waits for its next attempt";
    note(name_of(job_) + what + (follow_ ? "" : "; -f waits for it"));
  }

  void take(const PullReply& batch) {
    for (const auto& entry : batch.entries) moved(entry.change);
    auto attempt = begun_;
    if (!batch.live.empty()) attempt = batch.live.front().attempt;
    if (batch.live_lost > 0 && wants(attempt))
      print_line(call_, job_.spec.id, attempt, "node",
                 gap_text(batch.live_lost));
    for (const auto& event : batch.live) {
      if (!event.log || !wants(event.attempt)) continue;
      begins(event.attempt);
      print_line(call_, event.job, event.attempt, event.log->stream,
                 event.log->text);
      has_printed_ = true;
    }
    call_.out() << std::flush;
  }

  bool wants(std::uint32_t attempt) const {
    return wanted_ == 0 || attempt == wanted_;
  }

  /// Older than the job as it was when we came: known.
  void moved(const Change& change) {
    if (change.seq <= job_.seq) return;
    if (change.type == ChangeType::started) begins(change.attempt);
    if (change.type != ChangeType::requeued) return;
    const auto why = change.requeue ? change.requeue->failure.message : "";
    call_.out() << std::flush;
    note(repeat_text(change.attempt, why));
    is_over_ = wanted_ > 0 && change.attempt >= wanted_;
  }

  /// The border between attempts; lines may be quicker than the start. What
  /// ran when we came needs none before its first line.
  void begins(std::uint32_t attempt) {
    if (attempt <= shown_) return;
    if (shown_ > 0 || attempt > job_.attempt) {
      call_.out() << std::flush;
      note(attempt_name(attempt) + " begins");
    }
    shown_ = attempt;
    begun_ = std::max(begun_, attempt);
  }

  ExitCode end(bool job_has_ended) {
    if (is_past_ && !has_printed_)
      return call_.fail(
          {Errc::not_found, name_of(job_) + ": " + attempt_name(wanted_) +
                                " is over; its log comes with the job's end"});
    if (!job_has_ended || (begun_ > 0 && begun_ >= wanted_))
      return ExitCode::ok;
    auto job = client_.show(job_.spec.id);
    if (!job) return call_.fail(job.error());
    if (wanted_ > 0) return call_.fail(no_such_attempt(*job, wanted_));
    note(never_ran_text(*job));
    return ExitCode::ok;
  }

  const Invocation& call_;
  client::Client& client_;
  const JobView& job_;
  const std::uint32_t wanted_;  // 0: all.
  const bool is_past_;          // What is wanted is over, the job is not.
  const bool follow_;
  std::uint32_t begun_;      // The newest attempt there was.
  std::uint32_t shown_ = 0;  // The newest that was told of or printed.
  bool is_over_ = false;     // What was wanted has come and gone.
  bool has_printed_ = false;
  AwayNotice away_;
};

/// Of a job that has ended.
ExitCode print_ended(const Invocation& call, client::Client& client,
                     const JobView& job, std::uint32_t wanted) {
  if (wanted == 0 && job.attempt == 0) {
    call.err() << never_ran_text(job) << "\n" << std::flush;
    return ExitCode::ok;
  }
  const auto attempt = wanted > 0 ? wanted : job.attempt;
  if (attempt > job.attempt) return call.fail(no_such_attempt(job, attempt));
  const auto name = log_name(attempt);
  const auto* log = find_file(job, name);
  if (!log)
    return call.fail(
        {Errc::not_found, name_of(job) + " left no " + name +
                              "; `troupe jobs show` says what there is"});
  std::stringstream text;
  auto read = print_artifact(client, log->sha256, text);
  if (!read) return call.fail(read.error());
  print_stored(call, job.spec.id, attempt, text);
  return ExitCode::ok;
}

ExitCode logs(Invocation& call, const LogsOptions& options) {
  auto id = job_id(options.id);
  if (!id) return call.misused(id.error().message);
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  auto job = (*client)->show(*id);
  if (!job) return call.fail(job.error());
  const auto attempt = static_cast<std::uint32_t>(options.attempt);
  if (is_terminal(job->state))
    return print_ended(call, **client, *job, attempt);
  return LiveLog{call, **client, *job, attempt, options.follow}.print();
}

}  // namespace

void add_jobs_logs(CLI::App& jobs, Invocation& call) {
  auto o = std::make_shared<LogsOptions>();
  auto* command = add_command(jobs, call, "logs", "What a job printed",
                              [&call, o] { return logs(call, *o); });
  command->add_option("id", o->id, "The job")->type_name("ID")->required();
  add_number(*command, "--attempt", o->attempt,
             "Of this attempt; -f waits until it begins", "N", 1, UINT32_MAX);
  command->add_flag("-f,--follow", o->follow, "Stay until the job has ended");
}

}  // namespace troupe::commands
