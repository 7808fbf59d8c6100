// The real program on a terminal of its own, at which somebody types.
#pragma once

#include <string>
#include <string_view>

#include "platform/fd.hpp"
#include "platform/spawn.hpp"
#include "tests/e2e/program.hpp"

namespace troupe::test {

class PtyProcess {
 public:
  /// `troupe ARGS` on that data folder and a terminal of 100 columns. Of two
  /// variables of a name the first counts.
  PtyProcess(const Workplace& place, const Words& args,
             const Words& more_env = {});
  ~PtyProcess();  // Kills what still runs.
  PtyProcess(const PtyProcess&) = delete;
  PtyProcess& operator=(const PtyProcess&) = delete;

  /// Waits until the terminal shows `text` behind where the last such wait
  /// ended; false: 30 s passed, or the program ended without.
  bool shows(const std::string& text);
  /// The same for so many bytes behind the last `mark`.
  bool writes_after(std::string_view mark, std::size_t bytes);
  void type(const std::string& text);
  void signal(int number);
  /// Waits for its end; -1: a signal ended it.
  int finish();
  /// All of it so far.
  const std::string& text() const { return text_; }

 private:
  bool read_more();

  platform::Fd master_;
  platform::Child child_;
  std::string text_;
  std::size_t seen_ = 0;
  bool reaped_ = false;
};

}  // namespace troupe::test
