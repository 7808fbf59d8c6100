// The real program as processes: one command line and what came of it, one
// that is spoken to while it runs, and a node on a folder of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codec/json.hpp"
#include "platform/fd.hpp"
#include "platform/spawn.hpp"

namespace troupe::test {

using Words = std::vector<std::string>;

/// The program under test.
std::filesystem::path program();

struct Output {
  int code = -1;  // -1: ended by a signal, or not in time.
  std::string out;
  std::string err;

  /// The lines of `out`, read as JSON. Fails the test where one is none.
  std::vector<Json> lines() const;
  /// The only line. Fails the test where there are more or none.
  Json json() const;
};

/// A process of the program that runs until told, or by itself.
class Process {
 public:
  /// `env` is added to PATH and HOME.
  Process(const Words& args, const Words& env,
          const std::filesystem::path& with = program());
  ~Process();  // Kills what still runs.

  void write(const std::string& text);
  void close_input();
  /// The next line of its standard output; nothing when it ends or 30 s pass.
  std::optional<std::string> read_line();
  /// What it has written to standard error so far.
  std::string said() const;
  void signal(int number);
  bool is_running() const;
  /// Waits until it handles SIGINT itself: a command that watches does when it
  /// has reached its node.
  bool catches_interrupts() const;
  std::int32_t pid() const { return child_.identity.pid; }
  /// Waits for its end.
  Output finish(std::int64_t timeout_ms = 60'000);

 private:
  std::filesystem::path err_file_;
  platform::Child child_;
  platform::Fd in_;
  platform::Fd out_;
  std::string read_;
  bool reaped_ = false;
};

/// A temporary folder with a data folder that no node has seen yet.
class Workplace {
 public:
  Workplace();
  ~Workplace();

  std::filesystem::path path(const std::string& name) const {
    return folder_ / name;
  }
  std::filesystem::path data() const { return folder_ / "data"; }
  void write(const std::string& name, const std::string& text) const;
  std::string read(const std::string& name) const;

  /// From now on its own copies of the programs, in prefix/bin; without that
  /// of CUDA devices. Returns prefix.
  std::filesystem::path install();

  /// From now on another one.
  void use(std::filesystem::path program) { program_ = std::move(program); }

  /// Runs `troupe ARGS` on this data folder.
  Output troupe(const Words& args, const std::string& input = "",
                const Words& env = {}) const;
  /// The same, not waiting for its end.
  std::unique_ptr<Process> start(const Words& args,
                                 const Words& env = {}) const;
  /// A node that serves. Fails the test where it does not.
  std::unique_ptr<Process> node(const Words& args = {}) const;

  /// The job's state, or the error's code.
  std::string state(const std::string& id) const;
  /// Looks again until the job is in that state or 30 s have passed.
  bool reaches(const std::string& id, const std::string& state) const;
  /// Submits and returns the id. Fails the test where it is refused.
  std::string submit(const Words& args) const;

 private:
  std::filesystem::path folder_;
  std::filesystem::path program_ = program();
};

}  // namespace troupe::test
