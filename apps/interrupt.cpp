#include "apps/interrupt.hpp"

#include <signal.h>

namespace troupe {
namespace {

// A signal handler can reach nothing but a global.
volatile sig_atomic_t presses = 0;

void on_signal(int) {
  presses = presses + 1;
}

}  // namespace

InterruptWatch::InterruptWatch() {
  presses = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, &old_int_);
  ::sigaction(SIGTERM, &action, &old_term_);
}

InterruptWatch::~InterruptWatch() {
  ::sigaction(SIGINT, &old_int_, nullptr);
  ::sigaction(SIGTERM, &old_term_, nullptr);
}

int InterruptWatch::count() const {
  return presses;
}

}  // namespace troupe
