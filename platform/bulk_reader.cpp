#include "platform/bulk_reader.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "platform/file.hpp"

namespace troupe::platform {
namespace {

// Looked at, all over the file.
constexpr std::uint64_t kSamples = 64;

// A disk takes a read in as many parts as its memory has: of pages of 4 KiB a
// request is some 500 KiB, and the disk was at two thirds of its rate.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Where the system does not tell (the file is another's), all of it does.
bool lies_in_cache(int fd, std::uint64_t bytes) {
  if (bytes == 0) return true;
  void* map = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) return true;
  std::uint64_t there = 0;
  for (std::uint64_t i = 0; i < kSamples; ++i) {
    const auto at = bytes / kSamples * i / kDiskBlock * kDiskBlock;
    unsigned char page = 1;
    static_cast<void>(::mincore(static_cast<std::byte*>(map) + at, 1, &page));
    there += page & 1;
  }
  ::munmap(map, bytes);
  return there * 2 > kSamples;
}

std::uint64_t rounded_up(std::uint64_t bytes) {
  return (bytes + kDiskBlock - 1) / kDiskBlock * kDiskBlock;
}

}  // namespace

void AlignedBytes::Free::operator()(std::byte* block) const {
  ::operator delete (block, std::align_val_t{kHugePage});
}

std::byte* AlignedBytes::at_least(std::size_t bytes) {
  if (bytes > bytes_) {
    block_.reset();
    if (bytes >= kHugePage / 2)
      bytes = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    block_.reset(static_cast<std::byte*>(
        ::operator new (bytes, std::align_val_t{kHugePage})));
    bytes_ = bytes;
    if (bytes >= kHugePage)  // Advice.
      static_cast<void>(::madvise(block_.get(), bytes, MADV_HUGEPAGE));
  }
  return block_.get();
}

Result<BulkReader> BulkReader::open(const std::filesystem::path& path, Fd fd) {
  const auto bytes = file_size(fd.get());
  if (!bytes) return bytes.error();
  Fd direct;
  // Not every file system knows it, and no load fails for that.
  if (!lies_in_cache(fd.get(), *bytes))
    direct =
        Fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT | O_NONBLOCK)};
  return BulkReader{std::move(fd), std::move(direct)};
}

void BulkReader::read_ahead(std::uint64_t offset, std::uint64_t bytes) const {
  if (!past_cache()) platform::read_ahead(fd_.get(), offset, bytes);
}

Result<std::size_t> BulkReader::read(std::uint64_t offset,
                                     std::span<std::byte> out) const {
  const auto address = reinterpret_cast<std::uintptr_t>(out.data());
  std::size_t have = 0;
  if (past_cache() && offset % kDiskBlock == 0 && address % kDiskBlock == 0) {
    const auto whole = out.first(out.size() / kDiskBlock * kDiskBlock);
    const auto read = read_into(direct_.get(), offset, whole);
    if (read) have = *read / kDiskBlock * kDiskBlock;
  }
  // The rest of the last block, and what a disk refuses in that way.
  const auto rest = read_into(fd_.get(), offset + have, out.subspan(have));
  if (!rest) return rest.error();
  return have + *rest;
}

Result<std::span<const std::byte>> BulkReader::view(std::uint64_t offset,
                                                    std::size_t bytes,
                                                    AlignedBytes& aside) const {
  const auto before = past_cache() ? offset % kDiskBlock : 0;
  auto size = before + bytes;
  if (past_cache()) size = rounded_up(size);
  const std::span<std::byte> all{aside.at_least(size), size};
  const auto have = read(offset - before, all);
  if (!have) return have.error();
  const auto end = std::min(*have, before + bytes);
  if (end <= before) return std::span<const std::byte>{};
  return std::span<const std::byte>{all.subspan(before, end - before)};
}

}  // namespace troupe::platform
