// A stack of its own for each thread of a CUDA block, and the switch between
// two of them. Nothing is preempted: a fiber runs until it switches.
#pragma once

#include <cstddef>
#include <memory>

namespace troupe::cuda_shim {

class Fiber {
 public:
  /// The caller's own stack: what others switch back to.
  Fiber();
  /// Runs entry(argument) on a stack of its own once it is switched to.
  /// `entry` never returns.
  Fiber(void (*entry)(void*), void* argument);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Goes on where `to` stopped; returns once something switches back here.
  static void switch_from(Fiber& from, Fiber& to);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace troupe::cuda_shim
