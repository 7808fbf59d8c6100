// The program `troupe`.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <clocale>
#include <iostream>

#include "apps/command_line.hpp"

namespace {

// A script must not take an answer for whole that a full disk cut off. A reader
// that went away (`| head`) has what it wanted.
bool wrote_all() {
  std::cout.flush();
  if (std::cout) return true;
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  if (::poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0) return true;
  std::cerr << "troupe: standard output could not be written; what was "
               "answered is lost there, not at the node\n";
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  // A closed pipe is an error of the write, not the end of the process.
  ::signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  std::setlocale(LC_CTYPE, "");
  try {
    troupe::Session session{troupe::system_terminal()};
    const std::vector<std::string> words(argv + 1, argv + argc);
    const auto code = troupe::run_command_line(words, session);
    return static_cast<int>(wrote_all() ? code : troupe::ExitCode::broken);
  } catch (const std::exception& e) {
    std::cerr << "troupe: a defect of ours: " << e.what() << "\n";
    return static_cast<int>(troupe::ExitCode::broken);
  }
}
