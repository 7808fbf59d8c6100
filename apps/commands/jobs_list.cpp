// troupe jobs list: a job a line, newest first.
#include <algorithm>

#include "apps/commands/commands.hpp"
#include "apps/job_ids.hpp"
#include "apps/job_options.hpp"
#include "apps/render/amounts.hpp"
#include "apps/render/json.hpp"
#include "apps/render/table.hpp"
#include "config/units.hpp"
#include "core/nearest.hpp"
#include "kinds/kinds.hpp"

namespace troupe::commands {
namespace {

/// Jobs asked for at a time.
constexpr std::uint64_t kPageJobs = 200;

struct ListOptions {
  std::vector<std::string> states;
  std::string kind, model, tag, tenant, parent, since, until;
  std::int64_t limit = 50;
  bool all = false;
};

Result<std::vector<JobState>> states_of(const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (int i = 1; i <= static_cast<int>(kLastJobState); ++i)
    known.emplace_back(to_string(static_cast<JobState>(i)));
  std::vector<JobState> states;
  for (const auto& name : names) {
    auto at = std::find(known.begin(), known.end(), name);
    if (at == known.end())
      return Error{Errc::invalid_argument,
                   "unknown state '" + name + "'" + known_names(name, known)};
    states.push_back(static_cast<JobState>(at - known.begin() + 1));
  }
  return states;
}

/// "2h" ago, or a time as parse_time() reads it.
Result<UnixMs> moment(const std::string& text) {
  const auto now = system_wall_clock().now();
  if (auto ago = parse_duration_ms(text)) return now - *ago;
  if (auto time = parse_time(text, now)) return time;
  return Error{Errc::invalid_argument,
               "'" + text +
                   "' is no time; write it like 2h (two hours ago), "
                   "2026-11-21T09:30:00Z or in unix milliseconds"};
}

Result<ListRequest> request_of(const ListOptions& o, const Kinds& kinds) {
  ListRequest request;
  if (!o.kind.empty() && !find_kind(kinds, o.kind))
    return Error{Errc::invalid_argument,
                 "--kind " + unknown_kind(kinds, o.kind)};
  auto states = states_of(o.states);
  if (!states) return states.error();
  request.states = *std::move(states);
  request.kind = o.kind;
  request.model = o.model;
  request.tag = o.tag;
  request.tenant = o.tenant;
  if (!o.parent.empty()) {
    auto id = job_id(o.parent);
    if (!id) return id.error();
    request.parent = *id;
  }
  for (auto [text, at] : {std::pair{&o.since, &request.since_ms},
                          std::pair{&o.until, &request.until_ms}}) {
    if (text->empty()) continue;
    auto time = moment(*text);
    if (!time)
      return Error{Errc::invalid_argument,
                   (text == &o.since ? "--since: " : "--until: ") +
                       time.error().message};
    *at = *time;
  }
  return request;
}

std::string percent(const JobView& job) {
  if (job.state != JobState::running || !job.progress ||
      job.progress->percent < 0)
    return "";
  const auto percent =
      std::to_string(static_cast<int>(job.progress->percent)) + "%";
  return job.phase == Phase::loading ? "loading " + percent : percent;
}

std::string took(const JobView& job, UnixMs now) {
  if (!job.started_ms) return "";
  return render::duration(job.ended_ms.value_or(now) - *job.started_ms);
}

std::string remark(const JobView& job) {
  if (job.failure && job.state != JobState::succeeded)
    return render::printable(job.failure->reason + ": " + job.failure->message);
  std::string text;
  for (const auto& tag : job.spec.tags)
    text += (text.empty() ? "" : " ") + render::printable(tag);
  return text;
}

void print_table(const Invocation& call, const std::vector<JobView>& jobs) {
  const auto now = system_wall_clock().now();
  std::vector<std::vector<std::string>> rows{
      {"ID", "KIND", "STATE", "", "SUBMITTED", "TOOK", "ABOUT"}};
  for (const auto& job : jobs)
    rows.push_back({to_string(job.spec.id), render::printable(job.spec.kind),
                    std::string(to_string(job.state)), percent(job),
                    render::local_time(job.spec.submitted_ms), took(job, now),
                    remark(job)});
  const auto& terminal = call.session.terminal;
  call.out() << render::table(rows,
                              terminal.out_is_terminal ? terminal.columns : 0);
}

ExitCode list_jobs(Invocation& call, const ListOptions& options) {
  auto request = request_of(options, call.session.kinds);
  if (!request) return call.misused(request.error().message);
  request->brief = !call.json;  // A line for people has no room for more.
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  std::vector<JobView> jobs;
  auto left =
      options.all ? UINT64_MAX : static_cast<std::uint64_t>(options.limit);
  while (left > 0 && call.out()) {
    request->max_jobs =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(left, kPageJobs));
    auto page = (*client)->list(*request);
    if (!page) return call.fail(page.error());
    left -= std::min<std::uint64_t>(left, page->jobs.size());
    for (auto& job : page->jobs) {
      if (call.json)
        call.out() << dump_json(render::job(job)) << "\n";
      else
        jobs.push_back(std::move(job));
    }
    request->before_index = page->next_before_index;
    if (request->before_index == 0) break;
  }
  if (call.json) return ExitCode::ok;
  print_table(call, jobs);
  if (request->before_index != 0)
    call.err() << "There are more: --limit N or --all shows them.\n";
  return ExitCode::ok;
}

}  // namespace

void add_jobs_list(CLI::App& jobs, Invocation& call) {
  auto o = std::make_shared<ListOptions>();
  auto* command = add_command(jobs, call, "list", "Jobs, newest first",
                              [&call, o] { return list_jobs(call, *o); });
  command
      ->add_option("--state", o->states,
                   "blocked, queued, running, succeeded, failed, cancelled or "
                   "expired; may be repeated")
      ->type_name("STATE")
      ->allow_extra_args(false);
  command->add_option("--kind", o->kind, "Of this kind")->type_name("KIND");
  command->add_option("--model", o->model, "With this model")
      ->type_name("NAME");
  command->add_option("--tag", o->tag, "With this tag")->type_name("TAG");
  command->add_option("--tenant", o->tenant, "Of this tenant (administrators)")
      ->type_name("NAME");
  command->add_option("--parent", o->parent, "Grouped under this job")
      ->type_name("ID");
  command
      ->add_option("--since", o->since, "Submitted since: 2h (ago), or a time")
      ->type_name("TIME");
  command
      ->add_option("--until", o->until, "Submitted before: 2h (ago), or a time")
      ->type_name("TIME");
  add_number(*command, "-n,--limit", o->limit, "At most so many (50)", "N", 1,
             INT64_MAX);
  command->add_flag("--all", o->all, "All of them");
}

}  // namespace troupe::commands
