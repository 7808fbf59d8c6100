#include "apps/device_program.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iostream>

#include "cluster/device_server.hpp"
#include "models/model.hpp"

namespace troupe {

void become_device_process() {
  ::signal(SIGPIPE, SIG_IGN);
  // The node decides when it ends: Ctrl-C in its terminal goes to both.
  ::signal(SIGINT, SIG_IGN);
  // When memory runs out, this one goes first. Where the system refuses either,
  // it computes all the same.
  static_cast<void>(::setpriority(PRIO_PROCESS, 0, 5));
  std::ofstream{"/proc/self/oom_score_adj"} << "1000";
}

int serve_node(std::string_view program, const Context& context) {
  const auto families = model_families();
  const auto served =
      cluster::serve_device({.orders_fd = STDIN_FILENO,
                             .says_fd = STDOUT_FILENO,
                             .context = context,
                             .families = {families.begin(), families.end()}});
  if (served) return 0;
  std::cerr << program << ": " << served.error().message << '\n';
  return 1;
}

}  // namespace troupe
