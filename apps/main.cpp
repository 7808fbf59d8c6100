// The program `troupe`.
#include <signal.h>

#include <clocale>
#include <iostream>

#include "apps/command_line.hpp"

int main(int argc, char** argv) {
  // A closed pipe is an error of the write, not the end of the process.
  ::signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  std::setlocale(LC_CTYPE, "");
  try {
    troupe::Session session{troupe::system_terminal()};
    const std::vector<std::string> words(argv + 1, argv + argc);
    return static_cast<int>(troupe::run_command_line(words, session));
  } catch (const std::exception& e) {
    std::cerr << "troupe: a defect of ours: " << e.what() << "\n";
    return static_cast<int>(troupe::ExitCode::broken);
  }
}
