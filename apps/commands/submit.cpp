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

/// The first option on the command line that speaks of a job.
std::string job_option(const CLI::App& command) {
  for (const auto* option : command.get_options()) {
    const auto name = option->get_name();
    if (option->count() > 0 && name != "kind" && name != "--json" &&
        name != "--data" && name != "--help")
      return name;
  }
  return {};
}

ExitCode submit(Invocation& call, const JobOptions& options,
                const CLI::App& command) {
  if (options.kind.empty())
    return call.misused(
        "which kind of job? For instance: troupe submit "
        "process.run -- sleep 10");
  if (options.kind != "-") return submit_one(call, options);
  if (!call.json)
    return call.misused(
        "jobs from standard input are JSON: write submit "
        "--json -");
  if (const auto name = call.rest.empty() ? job_option(command) : "--";
      !name.empty())
    return call.misused("'" + name +
                        "' has no place beside jobs from standard input: each "
                        "line says all of its job");
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  return submit_lines(**client, call.session.kinds, std::cin, call.out());
}

}  // namespace

void add_submit(CLI::App& root, Invocation& call) {
  auto options = std::make_shared<std::shared_ptr<JobOptions>>();
  auto* command = add_command(
      root, call, "submit",
      "Submit a job and return; KIND '-' with --json: one job a "
      "line from standard input",
      [&root, &call, options] {
        return submit(call, **options, *root.get_subcommand("submit"));
      });
  *options = add_job_options(*command, call);
}

}  // namespace troupe::commands
