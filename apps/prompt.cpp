#include "apps/prompt.hpp"

// readline's header needs stdio's before it.
#include <cstdio>

#include <readline/history.h>
#include <readline/readline.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/result.hpp"

namespace troupe {
namespace {

constexpr int kHistoryLines = 1'000;

// readline calls back without a place for our own data.
Prompt* the_prompt = nullptr;

}  // namespace

Prompt::Prompt(Options options, const InterruptWatch& interrupts)
    : options_{std::move(options)}, interrupts_{interrupts} {
  TROUPE_ASSERT(!the_prompt);
  the_prompt = this;
  rl_readline_name = "troupe";
  rl_attempted_completion_function = complete;
  rl_completer_word_break_characters = const_cast<char*>(" \t");
  rl_catch_signals = 0;
  rl_event_hook = look;
  ::clear_history();
  ::read_history(options_.history.c_str());
  ::stifle_history(kHistoryLines);
  termios terminal{};
  if (::tcgetattr(STDIN_FILENO, &terminal) != 0) return;
  terminal_was_ = terminal;
  terminal.c_lflag &= ~static_cast<tcflag_t>(ECHOCTL);
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal);
}

Prompt::~Prompt() {
  if (terminal_was_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &*terminal_was_);
  rl_event_hook = nullptr;
  rl_attempted_completion_function = nullptr;
  the_prompt = nullptr;
}

std::optional<std::string> Prompt::read(const std::string& shown) {
  seen_ = interrupts_.count();
  left_ = false;
  char* line = ::readline(shown.c_str());
  if (!line) std::fputc('\n', stdout);
  const std::string text(line ? line : "");
  const bool ended = !line || left_;
  std::free(line);
  std::fflush(stdout);
  if (ended) return {};
  if (text.find_first_not_of(" \t") == text.npos) return text;
  ::add_history(text.c_str());
  ::write_history(options_.history.c_str());  // Kept, however this ends.
  return text;
}

char* Prompt::next_completion(const char*, int state) {
  auto& self = *the_prompt;
  if (state == 0) {
    const std::string before(rl_line_buffer,
                             static_cast<std::size_t>(std::max(rl_point, 0)));
    self.found_ = self.options_.complete(before);
    self.next_ = 0;
  }
  if (self.next_ == self.found_.size()) return nullptr;
  return ::strdup(self.found_[self.next_++].c_str());
}

char** Prompt::complete(const char* text, int, int) {
  rl_attempted_completion_over = 1;  // No file names instead.
  return rl_completion_matches(text, next_completion);
}

/// Called ten times a second while nothing is typed.
int Prompt::look() {
  the_prompt->obey_interrupt();
  return 0;
}

void Prompt::obey_interrupt() {
  const int presses = interrupts_.count();
  if (presses == seen_) return;
  seen_ = presses;
  if (options_.on_interrupt == OnInterrupt::leaves && rl_end == 0) {
    left_ = true;
    rl_done = 1;
    return;
  }
  std::fputc('\n', stdout);
  rl_replace_line("", 0);
  rl_on_new_line();
  rl_redisplay();
}

}  // namespace troupe
