// troupe jobs wait: stays until all of these jobs have ended, with a bar for
// each where people watch.
#include <poll.h>

#include <algorithm>
#include <unordered_set>

#include "apps/away_notice.hpp"
#include "apps/commands/commands.hpp"
#include "apps/interrupt.hpp"
#include "apps/job_ids.hpp"
#include "apps/job_watch.hpp"
#include "apps/render/json.hpp"
#include "config/units.hpp"

namespace troupe::commands {
namespace {

constexpr int kRedrawMs = 200;
constexpr std::int64_t kMaxLookMs = 30'000;
constexpr std::int64_t kForeverMs = 365ll * 24 * 3'600 * 1'000;

using Answers = std::vector<ShowAnswer>;

struct WaitOptions {
  std::vector<std::string> ids;
  std::string timeout;
};

bool has_ended(const ShowAnswer& answer) {
  return !answer.job || is_terminal(answer.job->state);
}

std::string line(const ShowAnswer& answer, const Terminal& terminal) {
  const auto name = to_string(answer.id) + "  ";
  if (!answer.job)
    return name + (answer.error ? answer.error->message : "unknown");
  const auto& job = *answer.job;
  JobWatch watch{job.state};
  PullReply now;
  now.live.emplace_back().progress = job.progress;
  if (!job.progress) now.live.clear();
  watch.apply(now, job.started_ms.value_or(0));
  const auto room =
      terminal.columns > name.size() + 20 ? terminal.columns - name.size() : 20;
  return name + watch.line({room, terminal.colour, terminal.unicode},
                           system_wall_clock().now());
}

Error left() {
  return {Errc::cancelled, "no longer waiting; the jobs go on"};
}

Error too_late() {
  return {Errc::timeout, "not all of these jobs have ended yet"};
}

/// Until all of the jobs have ended, the time is over or Ctrl-C comes. A node
/// that is away meanwhile is waited for.
class Waiting {
 public:
  Waiting(client::Client& client, const Terminal& terminal,
          const std::vector<JobId>& ids, std::int64_t timeout_ms)
      : client_{client},
        terminal_{terminal},
        ids_{ids},
        until_ms_{system_steady_clock().now() + timeout_ms},
        away_{client, [this](const std::string& text) { say(text); }} {}

  /// Says nothing of the jobs.
  Result<Answers> quietly() {
    // First where "now" is, then how they stand: no end falls between.
    auto follower = follow_ends();
    if (!follower) return follower.error();
    auto answers = look();
    if (!answers) return answers;
    std::unordered_set<JobId> open;
    for (const auto& answer : *answers)
      if (!has_ended(answer)) open.insert(answer.id);
    if (open.empty()) return answers;
    while (!open.empty()) {
      if (auto more = go_on(); !more) return more.error();
      auto batch =
          (*follower)->next(std::clamp<std::int64_t>(left_ms(), 1, kRedrawMs));
      if (!batch) return batch.error();
      for (const auto& entry : batch->entries) open.erase(entry.change.job);
      away_.step(!batch->entries.empty());
    }
    return look();
  }

  /// Redraws a line for each in place.
  Result<Answers> with_bars() {
    for (;;) {
      auto answers = look();
      if (!answers) return answers;
      draw(*answers);
      if (std::all_of(answers->begin(), answers->end(), has_ended))
        return answers;
      if (auto more = go_on(); !more) return more.error();
      ::poll(nullptr, 0, kRedrawMs);
    }
  }

 private:
  std::int64_t left_ms() const {
    return until_ms_ - system_steady_clock().now();
  }

  Status go_on() const {
    if (interrupts_.count() > 0) return left();
    if (left_ms() <= 0) return too_late();
    return ok();
  }

  Result<std::unique_ptr<client::Follower>> follow_ends() {
    client::FollowOptions ends;
    ends.from_now = true;
    ends.ends_only = true;
    // Not long at first: a node that went away since it answered is told of.
    for (auto wait_ms = AwayNotice::kAnswerMs;;
         wait_ms = std::min(2 * wait_ms, kMaxLookMs)) {
      if (auto there = reach_node(); !there) return there.error();
      ends.start_timeout_ms = std::clamp<std::int64_t>(left_ms(), 1, wait_ms);
      auto follower = client_.follow(ends);
      if (follower || !means_away(follower.error())) return follower;
      if (auto more = go_on(); !more) return more.error();
    }
  }

  Status reach_node() {
    while (!away_.answers()) {
      if (auto more = go_on(); !more) return more;
      away_.tell();
    }
    return ok();
  }

  /// How they stand. A node that is there but slow gets more time each try.
  Result<Answers> look() {
    for (auto wait_ms = AwayNotice::kAnswerMs;;
         wait_ms = std::min(2 * wait_ms, kMaxLookMs)) {
      auto answers = client_.show_many(ids_, wait_ms);
      if (answers) away_.heard();
      if (answers || !means_away(answers.error())) return answers;
      if (auto more = go_on(); !more) return more.error();
      away_.tell();
      if (auto there = reach_node(); !there) return there.error();
    }
  }

  void draw(const Answers& answers) {
    std::string text = drawn_ > 0 ? "\x1b[" + std::to_string(drawn_) + "A" : "";
    for (const auto& answer : answers)
      text += "\r\x1b[K" + line(answer, terminal_) + "\n";
    drawn_ = answers.size();
    terminal_.err << text << std::flush;
  }

  /// Below the lines that are drawn, which go on below it.
  void say(const std::string& text) {
    terminal_.err << text << "\n" << std::flush;
    drawn_ = 0;
  }

  client::Client& client_;
  const Terminal& terminal_;
  const std::vector<JobId>& ids_;
  const SteadyMs until_ms_;
  const InterruptWatch interrupts_;
  AwayNotice away_;
  std::size_t drawn_ = 0;
};

ExitCode wait(Invocation& call, const WaitOptions& options) {
  auto ids = job_ids(options.ids);
  if (!ids) return call.misused(ids.error().message);
  auto timeout_ms = kForeverMs;
  if (!options.timeout.empty()) {
    auto parsed = parse_duration_ms(options.timeout);
    if (!parsed) return call.misused("--timeout: " + parsed.error().message);
    timeout_ms = *parsed;
  }
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  const auto& terminal = call.session.terminal;
  const bool bars = terminal.draws_bars && !call.json && ids->size() < 40;
  Waiting waiting{**client, terminal, *ids, timeout_ms};
  auto answers = bars ? waiting.with_bars() : waiting.quietly();
  if (!answers) return call.fail(answers.error());
  auto worst = ExitCode::ok;
  for (const auto& answer : *answers) {
    if (!answer.job) {
      worst = call.fail(
          answer.error.value_or(Error{Errc::not_found, "no such job"}));
      continue;
    }
    if (call.json)
      call.print(render::job(*answer.job));
    else
      call.out() << end_text(*answer.job);
    if (worst == ExitCode::ok) worst = exit_code(answer.job->state);
  }
  return worst;
}

}  // namespace

void add_jobs_wait(CLI::App& jobs, Invocation& call) {
  auto o = std::make_shared<WaitOptions>();
  auto* command =
      add_command(jobs, call, "wait", "Wait until all of these jobs have ended",
                  [&call, o] { return wait(call, *o); });
  command->add_option("id", o->ids, "Jobs")->type_name("ID")->required();
  command->add_option("--timeout", o->timeout, "Give up after: 30s, 2h")
      ->type_name("DURATION");
}

}  // namespace troupe::commands
