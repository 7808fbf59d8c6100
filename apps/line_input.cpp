#include "apps/line_input.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "apps/interrupt.hpp"

namespace troupe {

std::optional<std::string> LineInput::next(const std::function<bool()>& stops) {
  for (;;) {
    if (stops()) return {};
    if (auto line = take_line()) return line;
    if (ended_) return {};
    pollfd ready{fd_, POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(kInterruptStepMs)) <= 0) continue;
    char buffer[4096];
    const auto count = ::read(fd_, buffer, sizeof buffer);
    if (count > 0) read_.append(buffer, static_cast<std::size_t>(count));
    ended_ = count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN);
  }
}

std::optional<std::string> LineInput::take_line() {
  const auto end = read_.find('\n');
  if (end == read_.npos && (!ended_ || read_.empty())) return {};
  auto line = read_.substr(0, end);
  read_.erase(0, end == read_.npos ? end : end + 1);
  return line;
}

}  // namespace troupe
