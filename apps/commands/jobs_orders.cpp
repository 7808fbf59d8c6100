// troupe jobs cancel and retry.
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

/// The same work under a new id; grouped under the old one.
JobSpec again(const JobView& job, JobId id) {
  auto spec = job.spec;
  if (!spec.parent) spec.parent = spec.id;
  spec.id = id;
  spec.not_before_ms.reset();
  spec.deadline_ms.reset();  // It may have passed.
  return spec;
}

ExitCode retry_one(Invocation& call, client::Client& client, JobId id) {
  auto job = client.show(id);
  if (!job) return call.fail(job.error());
  if (!is_terminal(job->state))
    return call.fail({Errc::already_exists,
                      to_string(id) + " is " +
                          std::string(to_string(job->state)) +
                          ": only a job that has ended can be run again"});
  auto answer = client.submit(again(*job, client.new_id()));
  if (!answer) return call.fail(answer.error());
  if (answer->error) return call.fail(*answer->error);
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
  auto worst = ExitCode::ok;
  for (auto id : *ids) {
    const auto code = retry_one(call, **client, id);
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
              "Submit jobs that have ended once more, under new ids",
              [&call, retried] { return retry(call, *retried); })
      ->add_option("id", *retried, "Jobs")
      ->type_name("ID")
      ->required();
}

}  // namespace troupe::commands
