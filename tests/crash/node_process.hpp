// The real program `troupe node` as a process that a test starts, kills
// without warning and starts again on the same data folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/client.hpp"
#include "core/result.hpp"
#include "platform/spawn.hpp"

namespace troupe::test {

/// <build>/bin/troupe beside the running test program.
std::filesystem::path troupe_program();
/// A helper process of the tests, by name.
std::filesystem::path test_program(const std::string& name);

/// Looks again until it holds or the time is over.
template <class Holds>
bool within(std::int64_t timeout_ms, Holds&& holds);

class NodeProcess {
 public:
  explicit NodeProcess(std::filesystem::path data) : data_{std::move(data)} {}
  /// Kills what still runs.
  ~NodeProcess();
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;

  /// Begins a process; does not wait until it serves. Its output is appended
  /// to DATA.log, beside the folder.
  Status start();
  /// SIGKILL, and waits for its end. Children are left to themselves.
  void kill();
  /// SIGTERM, and waits for its end. Errors: timeout, internal (it ended by a
  /// signal or with another code than 0).
  Status stop(std::int64_t timeout_ms);

  bool is_running() const;
  const std::filesystem::path& data() const { return data_; }
  /// Proportional share of memory of the node's process. 0: not running.
  std::uint64_t pss_bytes() const;
  /// The end of DATA.log, for failure messages.
  std::string last_output() const;

  /// A client of this node, waiting for it to serve.
  Result<std::unique_ptr<client::Client>> connect(std::int64_t timeout_ms);

 private:
  std::filesystem::path data_;
  std::optional<platform::Child> child_;
};

/// The same for any process: see NodeProcess::pss_bytes().
std::uint64_t pss_bytes_of(std::int32_t pid);

void pause_ms(std::int64_t ms);
std::int64_t steady_ms();

template <class Holds>
bool within(std::int64_t timeout_ms, Holds&& holds) {
  const auto deadline = steady_ms() + timeout_ms;
  while (!holds()) {
    if (steady_ms() > deadline) return false;
    pause_ms(5);
  }
  return true;
}

}  // namespace troupe::test
