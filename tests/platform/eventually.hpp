// Waiting for real processes: looks again until it holds or 20 s are over.
#pragma once

#include <poll.h>

#include <chrono>
#include <functional>

namespace troupe::platform {

inline bool eventually(const std::function<bool()>& holds) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

}  // namespace troupe::platform
