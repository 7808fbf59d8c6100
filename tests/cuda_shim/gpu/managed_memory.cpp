// What the whole program allocates lies in one range of managed memory, so
// that a kernel may read and write any vector. Without a device, or beyond the
// range, it is ordinary memory. Sizes are rounded up to powers of two and kept
// for the next of their size.
#include <cuda_runtime.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>

namespace {

constexpr std::size_t kRangeBytes = std::size_t{8} << 30;
constexpr std::size_t kLeastBytes = 64;

struct Free {
  Free* next;
};

struct Range {
  std::mutex mutex;
  bool tried = false;
  std::byte* begin = nullptr;
  std::byte* at = nullptr;
  std::byte* end = nullptr;
  std::array<Free*, 64> free{};
};

Range& range() {
  static Range all;
  return all;
}

std::size_t rounded(std::size_t bytes) {
  return std::bit_ceil(bytes < kLeastBytes ? kLeastBytes : bytes);
}

// Before each block its rounded size, or 0 for ordinary memory.
void* allocate(std::size_t bytes) {
  auto& all = range();
  const std::lock_guard lock{all.mutex};
  if (!all.tried) {
    all.tried = true;
    void* memory = nullptr;
    if (cudaMallocManaged(&memory, kRangeBytes) == cudaSuccess) {
      all.begin = all.at = static_cast<std::byte*>(memory);
      all.end = all.begin + kRangeBytes;
    }
  }
  const auto size = rounded(bytes);
  auto*& free = all.free[static_cast<std::size_t>(std::countr_zero(size))];
  if (free != nullptr) {
    auto* block = free;
    free = block->next;
    return block;
  }
  std::byte* block = nullptr;
  if (all.end - all.at >= static_cast<std::ptrdiff_t>(size + kLeastBytes)) {
    block = all.at + kLeastBytes;
    all.at = block + size;
    std::construct_at(reinterpret_cast<std::size_t*>(block) - 1, size);
    return block;
  }
  block = static_cast<std::byte*>(
      std::aligned_alloc(kLeastBytes, size + kLeastBytes));
  if (block == nullptr) throw std::bad_alloc{};
  block += kLeastBytes;
  std::construct_at(reinterpret_cast<std::size_t*>(block) - 1, std::size_t{0});
  return block;
}

void give_back(void* block) {
  if (block == nullptr) return;
  const auto size = *(static_cast<std::size_t*>(block) - 1);
  if (size == 0) {
    std::free(static_cast<std::byte*>(block) - kLeastBytes);
    return;
  }
  auto& all = range();
  const std::lock_guard lock{all.mutex};
  auto*& free = all.free[static_cast<std::size_t>(std::countr_zero(size))];
  free = new (block) Free{free};
}

}  // namespace

void* operator new(std::size_t bytes) {
  return allocate(bytes);
}
void operator delete(void* block) noexcept {
  give_back(block);
}
void operator delete(void* block, std::size_t) noexcept {
  give_back(block);
}
