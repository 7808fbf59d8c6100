#include "bench/load/disk_rate.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/support/figures.hpp"
#include "models/arena.hpp"
#include "platform/fd.hpp"
#include "platform/file.hpp"

namespace troupe::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kBlock = 4u << 20;
constexpr double kStillThere = 0.01;

struct Loop {
  int flags;
  int threads;
};
constexpr Loop kLoops[] = {{0, 1},        {0, 2},        {0, 4},
                           {O_DIRECT, 1}, {O_DIRECT, 2}, {O_DIRECT, 4}};

platform::Fd opened(const fs::path& file, int flags) {
  platform::Fd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | flags)};
  if (!fd) throw std::runtime_error("cannot read " + file.string());
  return fd;
}

/// The share of a file that lies in memory.
double share_in_memory(int fd, std::uint64_t bytes) {
  void* map = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) throw std::runtime_error("cannot map the file");
  std::vector<unsigned char> pages((bytes + kPage - 1) / kPage);
  ::mincore(map, bytes, pages.data());
  ::munmap(map, bytes);
  const auto there =
      std::ranges::count_if(pages, [](auto page) { return (page & 1) != 0; });
  return static_cast<double>(there) / static_cast<double>(pages.size());
}

// Each thread the next block, into memory of its own that is there already.
double read_once(const fs::path& file, std::uint64_t bytes, const Loop& loop,
                 std::byte* memory) {
  const auto fd = opened(file, loop.flags);
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> failed{false};
  const auto read = [&](std::byte* to) {
    for (;;) {
      const auto at = next.fetch_add(kBlock);
      if (at >= bytes) return;
      const auto n = ::pread(fd.get(), to, kBlock, static_cast<off_t>(at));
      if (n != static_cast<ssize_t>(std::min(kBlock, bytes - at)))
        failed = true;
    }
  };
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < loop.threads; ++i)
    threads.emplace_back(read, memory + static_cast<std::uint64_t>(i) * kBlock);
  for (auto& thread : threads) thread.join();
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - begin;
  // Where the file system has no way past its cache, that loop does not count.
  return failed ? 0 : static_cast<double>(bytes) / took.count();
}

}  // namespace

void make_cold(const fs::path& file) {
  const auto fd = opened(file, 0);
  const auto bytes = fs::file_size(file);
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  if (share_in_memory(fd.get(), bytes) > kStillThere)
    throw std::runtime_error(
        file.string() +
        " stays in memory: it lies on no disk, or was just written (sync)");
}

void make_warm(const fs::path& file) {
  std::vector<std::byte> aside(kBlock);
  read_once(file, fs::file_size(file), {0, 1}, aside.data());
}

DiskRates disk_rates(const fs::path& file) {
  const auto bytes = fs::file_size(file);
  auto arena = Arena::allocate(5 * kBlock);
  if (!arena) throw std::runtime_error(arena.error().message);
  auto* memory = arena->take_bytes(5 * kBlock);
  std::fill(memory, memory + 5 * kBlock, std::byte{1});
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  memory += (kPage - address % kPage) % kPage;  // As reads past a cache want.
  DiskRates rates;
  for (const auto& loop : kLoops) {
    make_cold(file);
    auto& to = loop.threads == 1 ? rates.one_stream : rates.several;
    to.push_back(read_once(file, bytes, loop, memory));
  }
  return rates;
}

std::vector<double> best_way(const std::vector<std::vector<double>>& rounds) {
  std::vector<double> best;
  for (std::size_t way = 0; way < rounds.front().size(); ++way) {
    std::vector<double> rates;
    for (const auto& round : rounds) rates.push_back(round[way]);
    if (best.empty() || median(rates) > median(best)) best = rates;
  }
  if (median(best) == 0) throw std::runtime_error("cannot read the file");
  return best;
}

}  // namespace troupe::bench
