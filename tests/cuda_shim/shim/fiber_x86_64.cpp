// Sixty times as quick as swapcontext(), which asks the kernel for the signal
// mask each time; a kernel of a thousand threads switches ten thousand times.
#include <cstdint>

#include "tests/cuda_shim/shim/fiber.hpp"

extern "C" void troupe_shim_switch(void** from, void* to);
extern "C" void troupe_shim_start();

// What a function must keep lies on its own stack while it does not run. A new
// stack looks as if it had stopped just before troupe_shim_start().
asm(R"(
.text
.globl troupe_shim_switch
.type troupe_shim_switch, @function
troupe_shim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size troupe_shim_switch, .-troupe_shim_switch
.globl troupe_shim_start
.type troupe_shim_start, @function
troupe_shim_start:
  movq %r13, %rdi
  call *%r12
  ud2
.size troupe_shim_start, .-troupe_shim_start
)");

namespace troupe::cuda_shim {
namespace {

constexpr std::size_t kStackBytes = 128 * 1024;

}  // namespace

struct Fiber::State {
  void* top = nullptr;
  std::unique_ptr<std::byte[]> stack;
};

Fiber::Fiber() : state_{std::make_unique<State>()} {}

Fiber::Fiber(void (*entry)(void*), void* argument) : Fiber() {
  // Not filled: pages that no thread reaches are never touched.
  state_->stack.reset(new std::byte[kStackBytes]);
  const auto end =
      reinterpret_cast<std::uintptr_t>(state_->stack.get() + kStackBytes);
  // So that it is aligned to 16 bytes once these seven are taken off.
  auto* top = reinterpret_cast<std::uintptr_t*>(end / 16 * 16) - 9;
  top[0] = 0;                                           // r15
  top[1] = 0;                                           // r14
  top[2] = reinterpret_cast<std::uintptr_t>(argument);  // r13
  top[3] = reinterpret_cast<std::uintptr_t>(entry);     // r12
  top[4] = 0;                                           // rbx
  top[5] = 0;                                           // rbp
  top[6] = reinterpret_cast<std::uintptr_t>(&troupe_shim_start);
  state_->top = top;
}

Fiber::~Fiber() = default;

void Fiber::switch_from(Fiber& from, Fiber& to) {
  troupe_shim_switch(&from.state_->top, to.state_->top);
}

}  // namespace troupe::cuda_shim
