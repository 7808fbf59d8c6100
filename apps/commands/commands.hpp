// Every subcommand adds itself to the command line with one of these.
#pragma once

#include "apps/command_line.hpp"

namespace troupe::commands {

void add_node(CLI::App& root, Invocation& call);
void add_submit(CLI::App& root, Invocation& call);
void add_run(CLI::App& root, Invocation& call);
void add_chat(CLI::App& root, Invocation& call);
void add_jobs(CLI::App& root, Invocation& call);
void add_artifacts(CLI::App& root, Invocation& call);
void add_models(CLI::App& root, Invocation& call);
void add_queue(CLI::App& root, Invocation& call);
void add_console(CLI::App& root, Invocation& call);
void add_backup(CLI::App& root, Invocation& call);
void add_clients(CLI::App& root, Invocation& call);
void add_doctor(CLI::App& root, Invocation& call);
void add_config(CLI::App& root, Invocation& call);
void add_version(CLI::App& root, Invocation& call);

// Parts of `models`.
void add_models_add(CLI::App& models, Invocation& call);
void add_models_list(CLI::App& models, Invocation& call);
void add_models_quantize(CLI::App& models, Invocation& call);
void add_models_remove(CLI::App& models, Invocation& call);

// Parts of `jobs`, a file each.
void add_jobs_list(CLI::App& jobs, Invocation& call);
void add_jobs_show(CLI::App& jobs, Invocation& call);
void add_jobs_wait(CLI::App& jobs, Invocation& call);
void add_jobs_logs(CLI::App& jobs, Invocation& call);
void add_jobs_events(CLI::App& jobs, Invocation& call);
void add_jobs_orders(CLI::App& jobs, Invocation& call);  // cancel, retry
void add_jobs_explain(CLI::App& jobs, Invocation& call);

}  // namespace troupe::commands
