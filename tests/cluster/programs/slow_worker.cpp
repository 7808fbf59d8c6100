// A worker process for tests to kill: takes "noop" attempts over the wire and
// ends each after a while, with a line for each that it took and ended.
//
//   slow_worker AUTHORITY CERTIFICATE KEY PORT SLOTS HOLD_MS
#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "cluster/messages.hpp"
#include "cluster/network.hpp"
#include "cluster/worker.hpp"

namespace troupe::cluster {
namespace {

using SlowExecutor =
    ExecutorActor::extend<caf::result<void>(ended_atom, Token)>;

// One write each: a killed process leaves whole lines.
void say(const char* what, const Token& token) {
  const std::string line = std::string{what} + " " + to_string(token.job) +
                           " " + std::to_string(token.attempt) + "\n";
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::exit(1);
}

SlowExecutor::behavior_type slow(SlowExecutor::pointer self,
                                 SchedulerActor head, int hold_ms) {
  return {
      [=](assign_atom, const std::vector<Assignment>& list) {
        for (const auto& a : list) {
          say("took", a.token);
          self->delayed_send(self, std::chrono::milliseconds{hold_ms},
                             ended_atom_v, a.token);
        }
      },
      [](stop_atom, const std::vector<StopOrder>&) {},
      [](drop_atom, const std::vector<ModelDrop>&) {},
      [=](ended_atom, const Token& token) {
        say("ended", token);
        self->send(head, ended_atom_v,
                   std::vector<AttemptEnd>{{token, JobEnd{}}});
      },
  };
}

int run(char** argv) {
  init_messages();
  init_network_messages();
  caf::actor_system_config cfg;
  configure_network(
      cfg,
      {.tls = {.authority = argv[1], .certificate = argv[2], .key = argv[3]},
       .threads = 1});
  caf::actor_system sys{cfg};
  NodeAddress head;
  head.host = "127.0.0.1";
  head.port = static_cast<std::uint16_t>(std::atoi(argv[4]));
  WorkerOptions options;
  options.find = [head]() -> Result<NodeAddress> { return head; };
  options.backoff_ms = 10;
  auto worker = spawn_worker(sys, std::move(options));
  const auto executor =
      sys.spawn(slow, as_scheduler(worker), std::atoi(argv[6]));
  caf::anon_send(
      worker, device_atom_v,
      DeviceInfo{.name = "cpu",
                 .klass = "cpu",
                 .memory_bytes = 1'000'000,
                 .slots = static_cast<std::uint32_t>(std::atoi(argv[5])),
                 .kinds = {"noop"}},
      caf::actor_cast<caf::actor>(executor));
  for (;;) ::pause();
}

}  // namespace
}  // namespace troupe::cluster

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  return troupe::cluster::run(argv);
}
