// troupe console: the same commands, line by line, over one connection; with
// completion by TAB and a history kept in the data folder.
#include <iostream>
// readline's header needs stdio's before it.
#include <cstdio>

#include <readline/history.h>
#include <readline/readline.h>

#include <unistd.h>
#include <cstdlib>
#include <cstring>

#include "apps/commands/commands.hpp"
#include "apps/completion.hpp"
#include "apps/interrupt.hpp"
#include "apps/words.hpp"

namespace troupe::commands {
namespace {

constexpr int kHistoryLines = 1'000;

// readline calls back without a place for our own data.
struct Completer {
  Kinds kinds;
  std::vector<std::string> ids;
  std::vector<std::string> found;
  std::size_t next = 0;
};
Completer* completer = nullptr;

char* next_completion(const char*, int state) {
  if (state == 0) {
    const std::string before(rl_line_buffer,
                             static_cast<std::size_t>(std::max(rl_point, 0)));
    completer->found = completions(before, completer->kinds, completer->ids);
    completer->next = 0;
  }
  if (completer->next == completer->found.size()) return nullptr;
  return ::strdup(completer->found[completer->next++].c_str());
}

char** complete(const char* text, int, int) {
  rl_attempted_completion_over = 1;  // No file names instead.
  return rl_completion_matches(text, next_completion);
}

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

/// Ctrl-C at the prompt: a new line, empty.
int clear_line() {
  std::fputc('\n', stdout);
  rl_replace_line("", 0);
  rl_on_new_line();
  rl_redisplay();
  return 0;
}

class Console {
 public:
  explicit Console(Session& session) : session_{session} {}

  ExitCode interactive(const std::filesystem::path& history) {
    Completer mine{session_.kinds, {}, {}, 0};
    completer = &mine;
    rl_readline_name = "troupe";
    rl_attempted_completion_function = complete;
    rl_completer_word_break_characters = const_cast<char*>(" \t");
    // Ctrl-C ends what runs or clears the line, never the console.
    const InterruptWatch interrupts;
    rl_catch_signals = 0;
    rl_signal_event_hook = clear_line;
    ::read_history(history.c_str());
    ::stifle_history(kHistoryLines);
    if (!session_.json)
      session_.terminal.out << "troupe console; 'help' lists the commands, TAB "
                               "completes, 'exit' leaves\n"
                            << std::flush;
    for (;;) {
      mine.ids = recent_ids(session_);
      char* line = ::readline("troupe> ");
      if (!line) break;
      const std::string text(line);
      std::free(line);
      if (text.find_first_not_of(" \t") == text.npos) continue;
      ::add_history(text.c_str());
      ::write_history(history.c_str());  // Kept, however this ends.
      if (!run(text)) break;
    }
    rl_signal_event_hook = nullptr;
    completer = nullptr;
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
