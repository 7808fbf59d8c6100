#include "models/arena.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <string>

#include "core/amounts.hpp"
#include "kernels/device_memory.hpp"

namespace troupe {
namespace {

constexpr std::uintptr_t kHugePage = 2u << 20;
// Disks read past the system's cache to such addresses only.
constexpr std::size_t kBlockAlignment = 4096;
static_assert(kBlockAlignment % kArenaAlignment == 0);

// Weights are read from one end to the other for every token. With pages of 4
// KiB a Zen 4 core under a hypervisor read 16 GB/s, with huge ones 32. Advice:
// where it is not taken, all is only slower. What is not a whole huge page is
// left out, since it would take more than was asked for.
void advise_huge_pages(void* block, std::size_t bytes) {
  const auto at = reinterpret_cast<std::uintptr_t>(block);
  const auto begin = (at + kHugePage - 1) / kHugePage * kHugePage;
  const auto end = (at + bytes) / kHugePage * kHugePage;
  if (begin < end)
    static_cast<void>(
        ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE));
}

}  // namespace

Result<Arena> Arena::allocate(const Context& ctx, std::size_t bytes) {
  Arena arena;
  arena.bytes_ = bytes;
  if (ctx.memory != nullptr) {
    const auto block = ctx.memory->allocate(bytes == 0 ? 1 : bytes);
    if (!block) return block.error();
    arena.block_ = {*block, FreeArena{ctx.memory}};
    return arena;
  }
  auto* block = ::operator new (
      bytes == 0 ? 1 : bytes, std::align_val_t{kBlockAlignment}, std::nothrow);
  if (block == nullptr)
    return Error{Errc::out_of_memory,
                 "the machine has no " + bytes_text(bytes) + " of memory left"};
  advise_huge_pages(block, bytes);
  arena.block_.reset(static_cast<std::byte*>(block));
  return arena;
}

std::byte* Arena::take_bytes(std::size_t bytes) {
  const auto at = used_;
  used_ += (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
  if (block_ == nullptr) return nullptr;
  TROUPE_ASSERT(used_ <= bytes_);
  if (block_.get_deleter().memory == nullptr)
    std::fill(block_.get() + at + bytes, block_.get() + used_, std::byte{0});
  return block_.get() + at;
}

void Arena::give_back(std::size_t begin, std::size_t end) const {
  if (block_ == nullptr || block_.get_deleter().memory != nullptr) return;
  TROUPE_ASSERT(begin <= end && end <= bytes_);
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto block = reinterpret_cast<std::uintptr_t>(block_.get());
  const auto first = (block + begin + page - 1) / page * page;
  const auto last = (block + end) / page * page;
  if (first < last)
    static_cast<void>(
        ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED));
}

void FreeArena::operator()(std::byte* block) const {
  if (memory != nullptr) return memory->free(block);
  ::operator delete (block, std::align_val_t{kBlockAlignment});
}

}  // namespace troupe
