// One block of memory, handed out in aligned pieces that live as long as it. An
// arena without a block only counts, so that the code that lays something out
// also says what it takes, before anything is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/result.hpp"

namespace troupe {

inline constexpr std::size_t kArenaAlignment = 64;  // A cache line.

class Arena {
 public:
  /// Counts: take() gives null.
  Arena() = default;
  /// Errors: out_of_memory, with the amount.
  static Result<Arena> allocate(std::size_t bytes);

  /// Uninitialised. REQUIRES: what counting said is not exceeded.
  template <class T>
  T* take(std::int64_t count) {
    return reinterpret_cast<T*>(
        take_bytes(static_cast<std::size_t>(count) * sizeof(T)));
  }
  std::byte* take_bytes(std::size_t bytes);

  std::size_t used() const { return used_; }

 private:
  struct Free {
    void operator()(std::byte* block) const;
  };

  std::unique_ptr<std::byte[], Free> block_;
  std::size_t bytes_ = 0;
  std::size_t used_ = 0;
};

}  // namespace troupe
