#include "bench/jobs/worker_process.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "actors/instant.hpp"
#include "cluster/messages.hpp"
#include "cluster/network.hpp"
#include "cluster/pki.hpp"
#include "cluster/worker.hpp"
#include "core/clock.hpp"

namespace troupe::bench {
namespace {

constexpr const char* kName = "bench-worker";

}  // namespace

int run_worker(const std::filesystem::path& data, const std::string& name,
               int slots) {
  const auto tls = cluster::node_files(data).authority.parent_path();
  const cluster::TlsFiles files{tls / "authority.pem",
                                tls / "clients" / (name + ".pem"),
                                tls / "clients" / (name + ".key")};
  const auto now = system_wall_clock().now();
  if (auto good = cluster::check_files(files, cluster::Purpose::node, now);
      !good) {
    std::fprintf(stderr, "worker: %s\n", good.error().message.c_str());
    return 1;
  }
  cluster::init_messages();
  cluster::init_network_messages();
  caf::actor_system_config cfg;
  cluster::configure_network(cfg, {.tls = files, .threads = 1});
  caf::actor_system sys{cfg};
  cluster::WorkerOptions options;
  options.find = [data] { return cluster::read_node_address(data); };
  auto worker = cluster::spawn_worker(sys, std::move(options));
  auto executor =
      spawn_instant(sys, {.device = {.name = "cpu",
                                     .klass = "cpu",
                                     .memory_bytes = 1u << 30,
                                     .slots = static_cast<std::uint32_t>(slots),
                                     .kinds = {"noop"}},
                          .scheduler = cluster::as_scheduler(worker)});
  while (true) ::pause();
}

WorkerProcess::WorkerProcess(const std::filesystem::path& data, int slots) {
  const auto issued = cluster::issue_client(
      data, {kName, "default", Role::node}, system_wall_clock().now());
  if (!issued) throw std::runtime_error("worker: " + issued.error().message);
  const auto count = std::to_string(slots);
  pid_ = ::fork();
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::execl("/proc/self/exe", "bench_jobs", "--worker", data.c_str(), kName,
          count.c_str(), static_cast<char*>(nullptr));
  ::_exit(127);
}

WorkerProcess::~WorkerProcess() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace troupe::bench
