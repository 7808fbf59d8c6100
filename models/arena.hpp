// One block of memory, handed out in aligned pieces that live as long as it. An
// arena without a block only counts, so that the code that lays something out
// also says what it takes, before anything is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/result.hpp"
#include "kernels/context.hpp"

namespace troupe {

inline constexpr std::size_t kArenaAlignment = 64;  // A cache line.

struct FreeArena {
  DeviceMemory* memory = nullptr;  // Null: the program's own.
  void operator()(std::byte* block) const;
};

class Arena {
 public:
  /// Counts: take() gives null.
  Arena() = default;
  /// Of the memory of the Context's device, which outlives it; on a device
  /// with memory of its own the pieces are for ops, and for the copies of
  /// kernels/device_memory.hpp. Errors: out_of_memory, with the amount;
  /// device_lost.
  static Result<Arena> allocate(const Context& ctx, std::size_t bytes);
  /// Of the program's own memory.
  static Result<Arena> allocate(std::size_t bytes) {
    return allocate({}, bytes);
  }

  /// Uninitialised, but for what fills up the pieces of the program's own
  /// memory: zeros. REQUIRES: what counting said is not exceeded.
  template <class T>
  T* take(std::int64_t count) {
    return reinterpret_cast<T*>(
        take_bytes(static_cast<std::size_t>(count) * sizeof(T)));
  }
  std::byte* take_bytes(std::size_t bytes);

  std::size_t used() const { return used_; }

  /// Gives the whole pages of [begin, end) back to the system, for memory whose
  /// content was put elsewhere: what lies there is gone. Of the program's own
  /// memory only; of any other nothing is given back.
  void give_back(std::size_t begin, std::size_t end) const;

  /// The first piece; the others follow, each aligned. Null where it counts.
  std::byte* data() const { return block_.get(); }

 private:
  std::unique_ptr<std::byte[], FreeArena> block_;
  std::size_t bytes_ = 0;
  std::size_t used_ = 0;
};

}  // namespace troupe
