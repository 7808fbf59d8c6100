#include "tests/hopper_shim/shim/warpgroups.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <new>
#include <numeric>
#include <random>
#include <vector>

#include "tests/cuda_shim/shim/cuda_runtime.h"
#include "tests/cuda_shim/shim/fiber.hpp"
#include "tests/hopper_shim/shim/products.hpp"

namespace troupe::cuda_shim {
namespace {

constexpr std::size_t kAlignment = 1024;
// Where a block's shared memory begins: the system has the first kilobyte, and
// 16 more show who counts on more than the launch promises.
constexpr std::uint32_t kFirstOffset = 1024 + 16;
constexpr int kRegistersOfAll = 64 * 1024;
constexpr int kRegistersAtOnce = 8;  // A thread's come in so many.

struct Thread {
  std::unique_ptr<Fiber> fiber;
  std::function<bool()> done;  // Empty: ready.
  std::string waits_for;
  Site site;
  bool returned = false;
  bool waits_for_others = false;
  int registers = 0;
};

struct Warp {
  std::array<Exchange, kWarpLanes> brought;
  std::array<Exchanged, kWarpLanes> got;
  unsigned came = 0;
  std::uint64_t meetings = 0;
};

struct NamedBarrier {
  int came = 0;
  int threads = 0;
  std::uint64_t meetings = 0;
};

struct FreeAligned {
  void operator()(std::byte* room) const {
    ::operator delete (room, std::align_val_t{kAlignment});
  }
};

struct Running {
  Launch launch;
  const std::function<void()>* body = nullptr;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::array<NamedBarrier, 16> barriers;
  std::deque<std::function<void()>> copies;
  std::unique_ptr<std::byte, FreeAligned> room;
  std::byte* shared = nullptr;
  Extent block;
  Fiber scheduler;
  int registers = 0;  // Of a thread, at first.
  unsigned current = 0;
  std::string violation;
};

// One launch at a time, as blockIdx and its like.
Running* running = nullptr;
Order chosen = Order::ascending;
Background chosen_copies = Background::at_once;
Background chosen_products = Background::at_once;

std::string where(const Site& site) {
  const std::string file = site.file;
  return file.substr(file.rfind('/') + 1) + ":" + std::to_string(site.line);
}

void run_thread(void*) {
  for (;;) {
    (*running->body)();
    auto& thread = running->threads[running->current];
    thread.returned = true;
    Fiber::switch_from(*thread.fiber, running->scheduler);
  }
}

void yield() {
  Fiber::switch_from(*running->threads[running->current].fiber,
                     running->scheduler);
}

std::vector<unsigned> order_of(std::size_t threads) {
  std::vector<unsigned> order(threads);
  std::iota(order.begin(), order.end(), 0u);
  if (chosen == Order::descending) std::ranges::reverse(order);
  if (chosen == Order::shuffled) std::ranges::shuffle(order, std::mt19937{20});
  return order;
}

/// Everybody who waits for ever, each place once.
std::string stuck() {
  std::vector<std::string> all;
  for (const auto& thread : running->threads)
    if (!thread.returned)
      all.push_back(thread.waits_for + " at " + where(thread.site));
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::string text = "waits for ever:";
  for (const auto& one : all) text += " [" + one + "]";
  return text;
}

bool pass_over_threads(const std::vector<unsigned>& order) {
  bool went_on = false;
  for (const auto index : order) {
    auto& thread = running->threads[index];
    if (thread.returned || (thread.done && !thread.done())) continue;
    thread.done = nullptr;
    running->current = index;
    threadIdx = {index, 0, 0};
    Fiber::switch_from(running->scheduler, *thread.fiber);
    if (!running->violation.empty()) throw Violation{running->violation};
    went_on = true;
  }
  return went_on;
}

[[noreturn]] void refuse(const std::string& what) {
  throw Violation{std::string("kernel ") + running->launch.name + " " + what};
}

bool let_a_copy_happen() {
  if (running->copies.empty()) return false;
  const auto copy = std::move(running->copies.front());
  running->copies.pop_front();
  copy();
  return true;
}

bool let_a_warp_go_on(const std::vector<unsigned>& order) {
  for (const auto index : order) {
    if (!running->threads[index].waits_for_others) continue;
    const auto first = index / kWarpLanes * kWarpLanes;
    for (auto other = first; other < first + kWarpLanes; ++other)
      running->threads[other].waits_for_others = false;
    return true;
  }
  return false;
}

void run_block(const std::vector<unsigned>& order) {
  const auto bytes = running->launch.shared_bytes;
  std::memset(running->shared, 0xff, bytes);
  running->barriers = {};
  for (auto& warp : running->warps) warp = {};
  for (auto& thread : running->threads) {
    thread.returned = thread.waits_for_others = false;
    thread.done = nullptr;
    thread.registers = running->registers;
  }
  while (pass_over_threads(order) || let_a_copy_happen() ||
         let_a_warp_go_on(order)) {
  }
  if (!std::ranges::all_of(running->threads, &Thread::returned))
    refuse(stuck());
}

}  // namespace

void set_order(Order order) {
  chosen = order;
}
void set_background(Background copies, Background products) {
  chosen_copies = copies;
  chosen_products = products;
}
Background background_products() {
  return chosen_products;
}

void run(const Launch& launch, const std::function<void()>& body) {
  Running state;
  running = &state;
  state.launch = launch;
  state.body = &body;
  if (launch.shared_bytes > kMaxHopperSharedBytes)
    refuse(std::to_string(launch.shared_bytes) + " bytes of shared memory");
  if (launch.threads.count() % kWarpLanes != 0 || launch.threads.count() > 1024)
    refuse("is started with threads that make no whole warps");
  state.threads.resize(launch.threads.count());
  for (auto& thread : state.threads)
    thread.fiber = std::make_unique<Fiber>(&run_thread, nullptr);
  state.warps.resize(launch.threads.count() / kWarpLanes);
  // Exactly what was asked for, so that an address sanitizer sees the end.
  constexpr auto kBefore = kFirstOffset % kAlignment;
  state.room.reset(static_cast<std::byte*>(::operator new (
      kBefore + launch.shared_bytes, std::align_val_t{kAlignment})));
  state.shared = state.room.get() + kBefore;
  blockDim = {launch.threads.x, launch.threads.y, launch.threads.z};
  gridDim = {launch.blocks.x, launch.blocks.y, launch.blocks.z};
  const auto threads = static_cast<int>(state.threads.size());
  state.registers =
      kRegistersOfAll / threads / kRegistersAtOnce * kRegistersAtOnce;
  forget_products();
  const auto order = order_of(state.threads.size());
  const auto& blocks = launch.blocks;
  for (unsigned i = 0; i < blocks.count(); ++i) {
    state.block = {i % blocks.x, i / blocks.x % blocks.y,
                   i / blocks.x / blocks.y};
    blockIdx = {state.block.x, state.block.y, state.block.z};
    run_block(order);
  }
}

void wait_until(std::string what, std::function<bool()> done,
                const Site& site) {
  auto& thread = running->threads[running->current];
  thread.waits_for = std::move(what);
  thread.site = site;
  thread.done = std::move(done);
  yield();
}

void wait_for_the_others(const Site& site) {
  auto& thread = running->threads[running->current];
  thread.waits_for_others = true;
  wait_until(
      "products", [&thread] { return !thread.waits_for_others; }, site);
}

void copy_later(std::function<void()> copy) {
  if (chosen_copies == Background::at_once)
    copy();
  else
    running->copies.push_back(std::move(copy));
}

void violate(const std::string& what, const Site& site) {
  const auto& [x, y, z] = running->block;
  running->violation = std::string("kernel ") + running->launch.name +
                       ", block (" + std::to_string(x) + ", " +
                       std::to_string(y) + ", " + std::to_string(z) +
                       "), thread " + std::to_string(running->current) + " " +
                       what + " (" + where(site) + ")";
  yield();
  std::abort();
}

unsigned thread_here() {
  return running->current;
}
unsigned lane_here() {
  return running->current % kWarpLanes;
}

std::uint32_t shared_offset(const void* at) {
  return kFirstOffset +
         static_cast<std::uint32_t>(static_cast<const std::byte*>(at) -
                                    running->shared);
}

std::byte* shared_bytes(std::uint32_t offset, std::size_t count) {
  if (offset < kFirstOffset ||
      offset - kFirstOffset + count > running->launch.shared_bytes)
    violate("uses shared memory at " + std::to_string(offset) +
                ", which is not the block's",
            Site::here());
  return running->shared + (offset - kFirstOffset);
}

void* shared_memory(std::size_t bytes, const Site& site) {
  if (bytes > running->launch.shared_bytes)
    violate("uses more shared memory than the launch gave", site);
  return running->shared;
}

void come_to(int id, int threads, bool waits, const Site& site) {
  auto& barrier = running->barriers[static_cast<std::size_t>(id)];
  if (barrier.came > 0 && barrier.threads != threads)
    violate("comes to barrier " + std::to_string(id) +
                " with another count than others",
            site);
  barrier.threads = threads;
  const auto meetings = barrier.meetings;
  if (++barrier.came == threads) {
    barrier.came = 0;
    ++barrier.meetings;
  } else if (waits) {
    wait_until(
        "barrier " + std::to_string(id),
        [&barrier, meetings] { return barrier.meetings != meetings; }, site);
  }
}

void block_barrier(const Site& site) {
  come_to(0, static_cast<int>(running->threads.size()), true, site);
}

Exchanged meet(const Exchange& mine, const Site& site) {
  auto& warp = running->warps[running->current / kWarpLanes];
  const auto lane = lane_here();
  if (mine.mask != ~0u) violate("meets only a part of its warp", site);
  if (warp.came > 0 &&
      warp.brought[(lane + 1) % kWarpLanes].what != mine.what &&
      warp.came == kWarpLanes - 1)
    violate("comes to another meeting than its warp", site);
  warp.brought[lane] = mine;
  const auto meetings = warp.meetings;
  if (++warp.came == kWarpLanes) {
    std::uint32_t nonzero = 0;
    for (unsigned l = 0; l < kWarpLanes; ++l)
      nonzero |= std::uint32_t{warp.brought[l].bits != 0} << l;
    for (unsigned l = 0; l < kWarpLanes; ++l)
      warp.got[l] = {warp.brought[warp.brought[l].source].bits, nonzero};
    warp.came = 0;
    ++warp.meetings;
  } else {
    wait_until(
        "its warp", [&warp, meetings] { return warp.meetings != meetings; },
        site);
  }
  return warp.got[lane];
}

void set_registers(int count, const Site& site) {
  auto& threads = running->threads;
  if (count % kRegistersAtOnce != 0 || count < 24 || count > 256)
    violate("asks for " + std::to_string(count) + " registers", site);
  // Those that take wait until others have given.
  wait_until(
      std::to_string(count) + " registers",
      [&threads, count, me = running->current] {
        int all = 0;
        for (const auto& thread : threads) all += thread.registers;
        // What the block was started with, not what the multiprocessor has.
        return all - threads[me].registers + count <=
               running->registers * static_cast<int>(threads.size());
      },
      site);
  threads[running->current].registers = count;
}

}  // namespace troupe::cuda_shim
