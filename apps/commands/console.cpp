// troupe console: the same commands, line by line, over one connection; with
// completion by TAB and a history kept in the data folder.
#include <unistd.h>

#include <iostream>

#include "apps/commands/commands.hpp"
#include "apps/completion.hpp"
#include "apps/prompt.hpp"
#include "apps/words.hpp"

namespace troupe::commands {
namespace {

std::vector<std::string> recent_ids(Session& session) {
  std::vector<std::string> ids;
  auto client = session.client();
  if (!client) return ids;
  ListRequest request;
  request.max_jobs = 50;
  request.brief = true;
  if (auto page = (*client)->list(request))
    for (const auto& job : page->jobs) ids.push_back(to_string(job.spec.id));
  return ids;
}

class Console {
 public:
  explicit Console(Session& session) : session_{session} {}

  ExitCode interactive(const std::filesystem::path& history) {
    std::vector<std::string> ids;
    // Ctrl-C ends what runs or clears the line, never the console.
    const InterruptWatch interrupts;
    Prompt prompt{{history,
                   [&](const std::string& before) {
                     return completions(before, session_.kinds, ids);
                   }},
                  interrupts};
    if (!session_.json)
      session_.terminal.out << "troupe console; 'help' lists the commands, TAB "
                               "completes, 'exit' leaves\n"
                            << std::flush;
    for (;;) {
      ids = recent_ids(session_);
      const auto line = prompt.read("troupe> ");
      if (!line) break;
      if (line->find_first_not_of(" \t") == line->npos) continue;
      if (!run(*line)) break;
    }
    return ExitCode::ok;
  }

  /// Without a terminal: the exit code is that of the last line that failed.
  ExitCode piped(std::istream& in) {
    std::string line;
    while (std::getline(in, line) && run(line)) continue;
    return worst_;
  }

 private:
  /// False: it is time to leave.
  bool run(const std::string& line) {
    auto words = split_words(line);
    if (!words) {
      worst_ = Invocation{session_, session_.json}.misused(words.error());
      return true;
    }
    if (words->empty() || words->front().starts_with("#")) return true;
    if (words->front() == "troupe") words->erase(words->begin());
    if (words->empty()) return true;
    if (words->front() == "exit" || words->front() == "quit") return false;
    const auto data = session_.data_flag;
    const auto code = run_command_line(*words, session_);
    session_.data_flag = data;
    if (code != ExitCode::ok) worst_ = code;
    return true;
  }

  Session& session_;
  ExitCode worst_ = ExitCode::ok;
};

ExitCode console(Invocation& call) {
  auto data = call.session.data();
  if (!data) return call.misused(data.error().message);
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  call.session.in_console = true;
  call.session.json = call.json;
  Console console{call.session};
  if (call.session.terminal.out_is_terminal && ::isatty(STDIN_FILENO) == 1)
    return console.interactive(data->path / "console_history");
  return console.piped(std::cin);
}

}  // namespace

void add_console(CLI::App& root, Invocation& call) {
  add_command(root, call, "console",
              "The same commands, line by line, with completion and history; "
              "with --json every answer is an object a line",
              [&call] { return console(call); });
}

}  // namespace troupe::commands
