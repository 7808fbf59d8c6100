// A worker as a process of its own: this program once more, connected to a
// node over mutual TLS with a node's certificate.
#pragma once

#include <sys/types.h>

#include <filesystem>

namespace troupe::bench {

/// The process's work: serves `noop` with `slots` attempts at once to the node
/// of this data folder, until it is killed. `files`: DATA/tls/clients/NAME.
int run_worker(const std::filesystem::path& data, const std::string& name,
               int slots);

/// Ends with this object.
class WorkerProcess {
 public:
  /// Makes the certificate first.
  WorkerProcess(const std::filesystem::path& data, int slots);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

}  // namespace troupe::bench
