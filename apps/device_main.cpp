// The program troupe-device: one device of a machine, started by its node and
// spoken to over standard input and output. For nobody else.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iostream>

#include "cluster/device_server.hpp"
#include "models/model.hpp"

namespace {

// People's own programs come first; when memory runs out, this one goes first.
// Where the system refuses that, it computes all the same.
void stand_back() {
  static_cast<void>(::setpriority(PRIO_PROCESS, 0, 5));
  std::ofstream{"/proc/self/oom_score_adj"} << "1000";
}

}  // namespace

int main() {
  ::signal(SIGPIPE, SIG_IGN);
  // The node decides when it ends: Ctrl-C in its terminal goes to both.
  ::signal(SIGINT, SIG_IGN);
  stand_back();
  const auto families = troupe::model_families();
  const auto served = troupe::cluster::serve_device(
      {.orders_fd = STDIN_FILENO,
       .says_fd = STDOUT_FILENO,
       .families = {families.begin(), families.end()}});
  if (served) return 0;
  std::cerr << "troupe-device: " << served.error().message << '\n';
  return 1;
}
