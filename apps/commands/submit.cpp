// troupe submit: hands one job, or one a line, to the node.
#include <iostream>

#include "apps/commands/commands.hpp"
#include "apps/job_lines.hpp"
#include "apps/render/json.hpp"
#include "apps/submitting.hpp"

namespace troupe::commands {
namespace {

ExitCode submit_one(Invocation& call, const JobOptions& options) {
  auto draft = draft_of(call, options);
  if (!draft) return call.misused(draft.error());
  auto spec = prepare_job(call, *std::move(draft));
  if (!spec) return call.fail(spec.error());
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  auto answer = (*client)->submit(*std::move(spec));
  if (!answer) return call.fail(answer.error());
  if (answer->error) return call.fail(*answer->error);
  if (call.json) {
    call.print(render::submitted(*answer));
    return ExitCode::ok;
  }
  call.out() << to_string(answer->id) << " " << to_string(answer->state)
             << (answer->existed ? " (was here before)" : "") << "\n";
  return ExitCode::ok;
}

ExitCode submit(Invocation& call, const JobOptions& options) {
  if (options.kind.empty())
    return call.misused(
        "which kind of job? For instance: troupe submit "
        "process.run -- sleep 10");
  if (options.kind != "-") return submit_one(call, options);
  if (!call.json)
    return call.misused(
        "jobs from standard input are JSON: write submit "
        "--json -");
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  return submit_lines(**client, call.session.kinds, std::cin, call.out());
}

}  // namespace

void add_submit(CLI::App& root, Invocation& call) {
  auto options = std::make_shared<std::shared_ptr<JobOptions>>();
  auto* command =
      add_command(root, call, "submit",
                  "Submit a job and return; KIND '-' with --json: one job a "
                  "line from standard input",
                  [&call, options] { return submit(call, **options); });
  *options = add_job_options(*command, call);
}

}  // namespace troupe::commands
