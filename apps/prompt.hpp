// Lines that people type at a terminal, with history and completion by TAB. The
// process has one terminal, so at most one of these at a time; while there is
// one, the terminal shows no "^C" in the middle of what is written.
#pragma once

#include <termios.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/interrupt.hpp"

namespace troupe {

/// What an interrupt (Ctrl-C) does while a line is typed. Where it leaves, it
/// leaves from an empty line only.
enum class OnInterrupt { clears_the_line = 1, leaves };

class Prompt {
 public:
  struct Options {
    std::filesystem::path history;  // A file, kept from one time to the next.
    /// Candidates for the last word of what stands before the cursor.
    std::function<std::vector<std::string>(const std::string& before)> complete;
    OnInterrupt on_interrupt = OnInterrupt::clears_the_line;
  };

  /// `interrupts` outlives it.
  Prompt(Options options, const InterruptWatch& interrupts);
  ~Prompt();
  Prompt(const Prompt&) = delete;
  Prompt& operator=(const Prompt&) = delete;

  /// The next line; nothing: the input has ended, or an interrupt left it.
  /// What is not blank goes into the history.
  std::optional<std::string> read(const std::string& shown);

 private:
  static char* next_completion(const char* text, int state);
  static char** complete(const char* text, int start, int end);
  static int look();

  void obey_interrupt();

  const Options options_;
  const InterruptWatch& interrupts_;
  std::vector<std::string> found_;
  std::size_t next_ = 0;
  int seen_ = 0;  // Interrupts.
  bool left_ = false;
  std::optional<termios> terminal_was_;
};

}  // namespace troupe
