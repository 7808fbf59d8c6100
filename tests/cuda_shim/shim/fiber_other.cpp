#include <ucontext.h>

#include <cstdint>

#include "core/result.hpp"
#include "tests/cuda_shim/shim/fiber.hpp"

namespace troupe::cuda_shim {
namespace {

constexpr std::size_t kStackBytes = 128 * 1024;

}  // namespace

struct Fiber::State {
  ucontext_t context{};
  std::unique_ptr<std::byte[]> stack;
  void (*entry)(void*) = nullptr;
  void* argument = nullptr;

  // makecontext() passes ints only.
  static void start(unsigned high, unsigned low) {
    const auto* state = reinterpret_cast<State*>(std::uintptr_t{high} << 32 |
                                                 std::uintptr_t{low});
    state->entry(state->argument);
  }
};

Fiber::Fiber() : state_{std::make_unique<State>()} {}

Fiber::Fiber(void (*entry)(void*), void* argument) : Fiber() {
  auto& state = *state_;
  state.stack.reset(new std::byte[kStackBytes]);
  state.entry = entry;
  state.argument = argument;
  TROUPE_ASSERT(getcontext(&state.context) == 0);
  state.context.uc_stack.ss_sp = state.stack.get();
  state.context.uc_stack.ss_size = kStackBytes;
  const auto bits = reinterpret_cast<std::uintptr_t>(&state);
  makecontext(&state.context, reinterpret_cast<void (*)()>(&State::start), 2,
              static_cast<unsigned>(bits >> 32), static_cast<unsigned>(bits));
}

Fiber::~Fiber() = default;

void Fiber::switch_from(Fiber& from, Fiber& to) {
  TROUPE_ASSERT(swapcontext(&from.state_->context, &to.state_->context) == 0);
}

}  // namespace troupe::cuda_shim
