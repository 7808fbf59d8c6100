// A node as far as its child processes can tell: runs one command under a
// guard and waits to be killed.
//   process_host GUARD FOLDER KEY GRACE_MS ARGV...
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "connectors/process/runner.hpp"

namespace {

class Print : public troupe::ProcessEvents {
 public:
  void on_started(const std::string&,
                  const troupe::platform::ProcessIdentity&) override {}
  void on_line(const std::string&, troupe::Stream,
               const std::string& text) override {
    std::cout << text << std::endl;
  }
  void on_progress(const std::string&, const troupe::Progress&) override {}
  void on_quiet(const std::string&, std::int64_t) override {}
  void on_end(const std::string&, const troupe::ProcessEnd&) override {}
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return 64;
  const std::filesystem::path folder = argv[2];
  Print print;
  auto runner = troupe::ProcessRunner::create({.guard = argv[1]}, print);
  if (!runner) return 1;
  troupe::ProcessSpec spec;
  spec.key = argv[3];
  spec.grace_ms = std::atoi(argv[4]);
  spec.argv.assign(argv + 5, argv + argc);
  spec.env = {{"PATH", "/usr/bin:/bin"}};
  spec.cwd = folder;
  spec.log = folder / "log";
  spec.record = folder / "records" / spec.key;
  (*runner)->start(spec);
  for (;;) ::pause();
}
