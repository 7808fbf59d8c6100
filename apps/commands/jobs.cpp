// troupe jobs: what is known of jobs, and orders to them.
#include "apps/commands/commands.hpp"

namespace troupe::commands {

void add_jobs(CLI::App& root, Invocation& call) {
  auto* jobs = add_group(root, call, "jobs", "Look at jobs and direct them");
  add_jobs_list(*jobs, call);
  add_jobs_show(*jobs, call);
  add_jobs_wait(*jobs, call);
  add_jobs_logs(*jobs, call);
  add_jobs_events(*jobs, call);
  add_jobs_orders(*jobs, call);
  add_jobs_explain(*jobs, call);
}

}  // namespace troupe::commands
