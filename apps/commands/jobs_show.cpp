// troupe jobs show: everything that is known of some jobs.
#include "apps/commands/commands.hpp"
#include "apps/job_ids.hpp"
#include "apps/job_watch.hpp"
#include "apps/render/amounts.hpp"
#include "apps/render/json.hpp"
#include "apps/render/table.hpp"

namespace troupe::commands {
namespace {

using Rows = std::vector<std::vector<std::string>>;

void add_time(Rows& rows, const char* name, const std::optional<UnixMs>& time) {
  if (time && *time > 0) rows.push_back({name, render::local_time(*time)});
}

std::string input_text(const InputRef& input) {
  if (!input.job) return input.name + ", sha256 " + input.sha256;
  return input.name + " from file " + input.output + " of job " +
         to_string(*input.job);
}

std::string binding_text(const Binding& binding) {
  const auto what = binding.pointer.empty()
                        ? "the result"
                        : binding.pointer + " in the result";
  return binding.path.substr(1) + " from " + what + " of job " +
         to_string(binding.job);
}

std::string show_text(const JobView& job, const Terminal& terminal) {
  const auto& spec = job.spec;
  Rows rows{{"kind", spec.kind},
            {"priority", std::string(to_string(spec.priority))}};
  if (!spec.model.empty()) rows.push_back({"model", spec.model});
  if (!job.device.empty())
    rows.push_back(
        {"device", job.device + ", attempt " + std::to_string(job.attempt)});
  std::string tags;
  for (const auto& tag : spec.tags) tags += (tags.empty() ? "" : " ") + tag;
  if (!tags.empty()) rows.push_back({"tags", tags});
  for (auto id : spec.depends_on) rows.push_back({"after", to_string(id)});
  for (const auto& input : spec.inputs)
    rows.push_back({"input", input_text(input)});
  for (const auto& binding : spec.bindings)
    rows.push_back({"parameter", binding_text(binding)});
  if (spec.parent) rows.push_back({"parent", to_string(*spec.parent)});
  if (!spec.submitted_by.empty()) rows.push_back({"by", spec.submitted_by});
  if (spec.memory_bytes > 0)
    rows.push_back({"memory", render::bytes(spec.memory_bytes)});
  add_time(rows, "submitted", spec.submitted_ms);
  add_time(rows, "started", job.started_ms);
  add_time(rows, "ended", job.ended_ms);
  if (!job.started_ms || job.state == JobState::queued)
    add_time(rows, "not before",
             job.not_before_ms > 0 ? job.not_before_ms : spec.not_before_ms);
  add_time(rows, "deadline", spec.deadline_ms);
  rows.push_back({"params", spec.params});
  if (!job.result.empty()) rows.push_back({"result", job.result});
  for (auto& row : rows) {
    row[0] = "  " + row[0];
    row[1] = render::printable(row[1]);
  }
  auto text = end_text(job);
  if (job.state == JobState::running) {
    JobWatch watch{job.state};
    PullReply now;
    now.live.emplace_back().progress = job.progress;
    now.live.back().attempt = job.attempt;
    watch.apply(now, job.started_ms.value_or(0));
    text += "  " +
            watch.line({terminal.columns - 2, false, terminal.unicode},
                       system_wall_clock().now()) +
            "\n";
  }
  return text + render::table(rows);
}

ExitCode show_jobs(Invocation& call, const std::vector<std::string>& texts) {
  auto ids = job_ids(texts);
  if (!ids) return call.misused(ids.error().message);
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  auto answers = (*client)->show_many(*ids);
  if (!answers) return call.fail(answers.error());
  auto worst = ExitCode::ok;
  for (const auto& answer : *answers) {
    if (!answer.job) {
      auto error = answer.error.value_or(Error{Errc::not_found, "no such job"});
      const auto id = to_string(answer.id);
      if (error.message.find(id) == error.message.npos)
        error.message = id + ": " + error.message;
      worst = call.fail(error);
    } else if (call.json) {
      call.print(render::job(*answer.job));
    } else {
      call.out() << show_text(*answer.job, call.session.terminal);
    }
  }
  return worst;
}

}  // namespace

void add_jobs_show(CLI::App& jobs, Invocation& call) {
  auto ids = std::make_shared<std::vector<std::string>>();
  auto* command =
      add_command(jobs, call, "show", "All that is known of these jobs",
                  [&call, ids] { return show_jobs(call, *ids); });
  command->add_option("id", *ids, "Jobs")->type_name("ID")->required();
}

}  // namespace troupe::commands
