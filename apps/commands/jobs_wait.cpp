// troupe jobs wait: stays until all of these jobs have ended, with a bar for
// each where people watch.
#include <poll.h>

#include <algorithm>
#include <unordered_set>

#include "apps/commands/commands.hpp"
#include "apps/interrupt.hpp"
#include "apps/job_ids.hpp"
#include "apps/job_watch.hpp"
#include "apps/render/json.hpp"
#include "config/units.hpp"

namespace troupe::commands {
namespace {

constexpr int kRedrawMs = 200;
constexpr std::int64_t kForeverMs = 365ll * 24 * 3'600 * 1'000;

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

/// Says nothing until all have ended or the time is over.
Result<std::vector<ShowAnswer>> wait_for_all(client::Client& client,
                                             const std::vector<JobId>& ids,
                                             std::int64_t timeout_ms) {
  const auto until = system_steady_clock().now() + timeout_ms;
  const InterruptWatch interrupts;
  // First where "now" is, then how they stand: no end falls between.
  client::FollowOptions ends;
  ends.from_now = true;
  ends.ends_only = true;
  auto follower = client.follow(ends);
  if (!follower) return follower.error();
  auto answers = client.show_many(ids);
  if (!answers) return answers;
  std::unordered_set<JobId> open;
  for (const auto& answer : *answers)
    if (!has_ended(answer)) open.insert(answer.id);
  if (open.empty()) return answers;
  while (!open.empty()) {
    const auto left_ms = until - system_steady_clock().now();
    if (interrupts.count() > 0) return left();
    if (left_ms <= 0) return too_late();
    auto batch = (*follower)->next(std::min<std::int64_t>(left_ms, kRedrawMs));
    if (!batch) return batch.error();
    for (const auto& entry : batch->entries) open.erase(entry.change.job);
  }
  return client.show_many(ids);
}

/// Redraws its lines in place until all have ended or the time is over.
Result<std::vector<ShowAnswer>> watch_all(client::Client& client,
                                          const Terminal& terminal,
                                          const std::vector<JobId>& ids,
                                          std::int64_t timeout_ms) {
  const auto until = system_steady_clock().now() + timeout_ms;
  const InterruptWatch interrupts;
  std::size_t drawn = 0;
  for (;;) {
    if (interrupts.count() > 0) return left();
    auto answers = client.show_many(ids);
    if (!answers) return answers;
    std::string text = drawn > 0 ? "\x1b[" + std::to_string(drawn) + "A" : "";
    for (const auto& answer : *answers)
      text += "\r\x1b[K" + line(answer, terminal) + "\n";
    drawn = answers->size();
    terminal.err << text << std::flush;
    if (std::all_of(answers->begin(), answers->end(), has_ended))
      return answers;
    if (system_steady_clock().now() >= until) return too_late();
    ::poll(nullptr, 0, kRedrawMs);
  }
}

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
  auto answers = terminal.err_is_terminal && !call.json && ids->size() < 40
                     ? watch_all(**client, terminal, *ids, timeout_ms)
                     : wait_for_all(**client, *ids, timeout_ms);
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
