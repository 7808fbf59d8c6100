// troupe jobs cancel and retry.
#include <algorithm>
#include <map>

#include "apps/commands/commands.hpp"
#include "apps/job_ids.hpp"
#include "apps/render/json.hpp"

namespace troupe::commands {
namespace {

using Ids = std::vector<std::string>;

Json cancel_json(const CancelAnswer& answer) {
  Json out = Json::object();
  out["id"] = to_string(answer.id);
  if (answer.error) {
    out["error"] = render::error(*answer.error);
    return out;
  }
  out["state"] = to_string(answer.state);
  out["stopping"] = answer.stopping;
  return out;
}

ExitCode cancel(Invocation& call, const Ids& texts) {
  auto ids = job_ids(texts);
  if (!ids) return call.misused(ids.error().message);
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  auto answers = (*client)->cancel_many(*ids);
  if (!answers) return call.fail(answers.error());
  auto worst = ExitCode::ok;
  for (const auto& answer : *answers) {
    if (answer.error) worst = exit_code(answer.error->code);
    if (call.json)
      call.print(cancel_json(answer));
    else if (answer.error)
      call.err() << to_string(answer.id) << ": " << answer.error->message
                 << "\n";
    else
      call.out() << to_string(answer.id) << " "
                 << (answer.stopping ? "is stopping" : to_string(answer.state))
                 << "\n";
  }
  return worst;
}

/// Old ids, and those under which their work is done once more.
using Renewed = std::map<JobId, JobId>;

JobId renewed(const Renewed& ids, JobId id) {
  const auto it = ids.find(id);
  return it == ids.end() ? id : it->second;
}

/// The same work under a new id; grouped under the old one. Depends on those
/// that are run again with it, instead of on their failed forms.
JobSpec again(const JobView& job, JobId id, const Renewed& ids) {
  auto spec = job.spec;
  for (auto& on : spec.depends_on) on = renewed(ids, on);
  for (auto& input : spec.inputs)
    if (input.job) input.job = renewed(ids, *input.job);
  for (auto& binding : spec.bindings) binding.job = renewed(ids, binding.job);
  if (!spec.parent) spec.parent = spec.id;
  spec.id = id;
  spec.not_before_ms.reset();
  spec.deadline_ms.reset();  // It may have passed.
  return spec;
}

ExitCode retry_one(Invocation& call, client::Client& client, JobId id,
                   Renewed& ids) {
  auto job = client.show(id);
  if (!job) return call.fail(job.error());
  if (!is_terminal(job->state))
    return call.fail({Errc::already_exists,
                      to_string(id) + " is " +
                          std::string(to_string(job->state)) +
                          ": only a job that has ended can be run again"});
  auto answer = client.submit(again(*job, client.new_id(), ids));
  if (!answer) return call.fail(answer.error());
  if (answer->error) return call.fail(*answer->error);
  ids[id] = answer->id;
  if (call.json) {
    auto json = render::submitted(*answer);
    json["retry_of"] = to_string(id);
    call.print(json);
  } else {
    call.out() << to_string(answer->id) << " " << to_string(answer->state)
               << "\n";
  }
  return ExitCode::ok;
}

ExitCode retry(Invocation& call, const Ids& texts) {
  auto ids = job_ids(texts);
  if (!ids) return call.misused(ids.error().message);
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  // A job is younger than those it depends on.
  std::ranges::sort(*ids);
  auto worst = ExitCode::ok;
  Renewed done;
  for (auto id : *ids) {
    const auto code = retry_one(call, **client, id, done);
    if (code != ExitCode::ok) worst = code;
  }
  return worst;
}

}  // namespace

void add_jobs_orders(CLI::App& jobs, Invocation& call) {
  auto cancelled = std::make_shared<Ids>();
  add_command(jobs, call, "cancel",
              "Cancel jobs; a running one stops within one step",
              [&call, cancelled] { return cancel(call, *cancelled); })
      ->add_option("id", *cancelled, "Jobs")
      ->type_name("ID")
      ->required();
  auto retried = std::make_shared<Ids>();
  add_command(jobs, call, "retry",
              "Submit jobs that have ended once more, under new ids; of "
              "several, each depends on the new forms of the others",
              [&call, retried] { return retry(call, *retried); })
      ->add_option("id", *retried, "Jobs")
      ->type_name("ID")
      ->required();
}

}  // namespace troupe::commands
