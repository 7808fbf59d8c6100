#include "models/arena.hpp"

#include <new>
#include <string>

#include "core/amounts.hpp"

namespace troupe {

Result<Arena> Arena::allocate(std::size_t bytes) {
  Arena arena;
  arena.bytes_ = bytes;
  auto* block = ::operator new (
      bytes == 0 ? 1 : bytes, std::align_val_t{kArenaAlignment}, std::nothrow);
  if (block == nullptr)
    return Error{Errc::out_of_memory,
                 "the machine has no " + bytes_text(bytes) + " of memory left"};
  arena.block_.reset(static_cast<std::byte*>(block));
  return arena;
}

std::byte* Arena::take_bytes(std::size_t bytes) {
  const auto at = used_;
  used_ += (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
  if (block_ == nullptr) return nullptr;
  TROUPE_ASSERT(used_ <= bytes_);
  return block_.get() + at;
}

void Arena::Free::operator()(std::byte* block) const {
  ::operator delete (block, std::align_val_t{kArenaAlignment});
}

}  // namespace troupe
