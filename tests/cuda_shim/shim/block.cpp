#include "tests/cuda_shim/shim/block.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/cuda_shim/shim/cuda_runtime.h"
#include "tests/cuda_shim/shim/fiber.hpp"

namespace troupe::cuda_shim {
namespace {

enum class State : std::uint8_t { ready = 1, at_barrier, in_warp, returned };

std::string where(const Site& site) {
  const std::string file = site.file;
  return file.substr(file.rfind('/') + 1) + ":" + std::to_string(site.line);
}

std::string text(const Extent& at) {
  return "(" + std::to_string(at.x) + ", " + std::to_string(at.y) + ", " +
         std::to_string(at.z) + ")";
}

Extent place(unsigned index, const Extent& of) {
  return {index % of.x, index / of.x % of.y, index / of.x / of.y};
}

const char* name_of(Together what) {
  switch (what) {
    case Together::sync:
      return "__syncwarp";
    case Together::vote:
      return "a vote";
    case Together::shuffle:
      break;
  }
  return "a shuffle";
}

struct Thread {
  State state = State::ready;
  Site site;
  Exchange mine;
  Exchanged got;
  Fiber* fiber = nullptr;
};

class Block;

// One launch at a time, as blockIdx and its like: a part of what is imitated.
// Stacks are kept from launch to launch, but for those that were abandoned.
Block* running = nullptr;
Order chosen = Order::ascending;
std::vector<std::unique_ptr<Fiber>> stacks;

void run_threads(void*);

/// The threads of one launch.
class Block {
 public:
  Block(const Launch& launch, const std::function<void()>& body, Order order)
      : launch_{launch},
        body_{body},
        runs_ahead_{order != Order::shuffled},
        threads_(launch.threads.count()) {
    order_.resize(threads_.size());
    std::iota(order_.begin(), order_.end(), 0u);
    if (order == Order::descending) std::ranges::reverse(order_);
    if (order == Order::shuffled)
      std::ranges::shuffle(order_, std::mt19937{20});
    by_warp_ = order_;
    std::ranges::stable_sort(by_warp_, {},
                             [](unsigned i) { return i / kWarpLanes; });
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      if (i == stacks.size())
        stacks.push_back(std::make_unique<Fiber>(&run_threads, nullptr));
      threads_[i].fiber = stacks[i].get();
    }
  }

  void run(const Extent& block);

  void barrier(const Site& site) { stop(State::at_barrier, site); }
  Exchanged meet(const Exchange& mine, const Site& site);
  void* shared(std::size_t bytes, const Site& site);
  void violate(unsigned thread, const std::string& what);
  unsigned current() const { return current_; }
  bool was_violated() const { return !violation_.empty(); }
  void call_body() {
    body_();
    stop(State::returned, Site::here());
  }

 private:
  void make_ready(const std::vector<unsigned>& threads) {
    ready_.insert(ready_.end(), threads.rbegin(), threads.rend());
  }
  void stop(State state, const Site& site);
  void release_barrier();
  void release_warp(const Exchange& mine);
  bool all_came(const Exchange& mine);
  unsigned last_lane(unsigned warp) const;
  void explain();
  void explain_warp(unsigned index);
  std::string whereabouts(unsigned index) const;

  const Launch& launch_;
  const std::function<void()>& body_;
  bool runs_ahead_;  // A warp goes on before another begins.
  std::vector<Thread> threads_;
  std::vector<unsigned> order_;
  std::vector<unsigned> by_warp_;   // The same, warp by warp.
  std::vector<unsigned> ready_;     // To run, the last first,
  std::vector<unsigned> released_;  // and what a warp let go, in order.
  std::array<unsigned, kMaxThreads / kWarpLanes> missing_{};
  std::unique_ptr<std::byte[]> shared_;
  Fiber scheduler_;
  Extent block_;
  unsigned current_ = 0;
  std::string violation_;
};

void run_threads(void*) {
  for (;;) running->call_body();
}

void Block::run(const Extent& at) {
  block_ = at;
  // Exactly what was asked for, so that an address sanitizer sees the end.
  shared_.reset(new std::byte[launch_.shared_bytes]);
  std::memset(shared_.get(), 0xff, launch_.shared_bytes);
  for (auto& thread : threads_) thread.state = State::ready;
  blockIdx = {at.x, at.y, at.z};
  make_ready(order_);
  while (!ready_.empty()) {
    current_ = ready_.back();
    ready_.pop_back();
    const auto of = place(current_, launch_.threads);
    threadIdx = {of.x, of.y, of.z};
    Fiber::switch_from(scheduler_, *threads_[current_].fiber);
    if (!violation_.empty()) throw Violation{violation_};
    if (runs_ahead_ || ready_.empty()) make_ready(std::exchange(released_, {}));
    if (ready_.empty()) release_barrier();
  }
  explain();
  if (!violation_.empty()) throw Violation{violation_};
}

void Block::stop(State state, const Site& site) {
  auto& thread = threads_[current_];
  thread.state = state;
  thread.site = site;
  Fiber::switch_from(*thread.fiber, scheduler_);
}

void Block::release_barrier() {
  const auto& first = threads_.front().site;
  for (const auto& thread : threads_)
    if (thread.state != State::at_barrier || thread.site != first) return;
  for (auto& thread : threads_) thread.state = State::ready;
  make_ready(order_);
}

unsigned Block::last_lane(unsigned warp) const {
  const auto threads = static_cast<unsigned>(threads_.size());
  return std::min(kWarpLanes, threads - warp * kWarpLanes) - 1;
}

bool Block::all_came(const Exchange& mine) {
  const auto warp = current_ / kWarpLanes;
  const auto lanes = last_lane(warp) + 1;
  // Begins with who was missing before: mostly it still is.
  for (unsigned i = 0, lane = missing_[warp]; i < lanes; ++i, ++lane) {
    const auto& other = threads_[warp * kWarpLanes + lane % lanes];
    if ((mine.mask >> lane % lanes & 1) != 0 &&
        (other.state != State::in_warp || other.mine.what != mine.what ||
         other.mine.mask != mine.mask)) {
      missing_[warp] = lane % lanes;
      return false;
    }
  }
  return true;
}

void Block::release_warp(const Exchange& mine) {
  auto* lanes = &threads_[current_ / kWarpLanes * kWarpLanes];
  std::uint32_t nonzero = 0;
  const auto last = last_lane(current_ / kWarpLanes);
  for (unsigned lane = 0; lane <= last; ++lane)
    if ((mine.mask >> lane & 1) != 0 && lanes[lane].mine.bits != 0)
      nonzero |= 1u << lane;
  const auto* in_order = &by_warp_[current_ / kWarpLanes * kWarpLanes];
  for (unsigned i = 0; i <= last; ++i) {
    const auto index = in_order[i];
    if ((mine.mask >> index % kWarpLanes & 1) == 0) continue;
    auto& thread = threads_[index];
    thread.got = {lanes[thread.mine.source].mine.bits, nonzero};
    thread.state = State::ready;
    if (index != current_) released_.push_back(index);
  }
}

Exchanged Block::meet(const Exchange& mine, const Site& site) {
  auto& thread = threads_[current_];
  thread.site = site;
  const auto warp = current_ / kWarpLanes;
  if ((mine.mask >> current_ % kWarpLanes & 1) == 0)
    violate(current_,
            "is not in the mask of its own " + std::string(name_of(mine.what)));
  if ((mine.mask >> mine.source & 1) == 0 || mine.source > last_lane(warp))
    violate(current_, "reads lane " + std::to_string(mine.source) +
                          ", which takes no part");
  thread.mine = mine;
  thread.state = State::in_warp;
  if (all_came(mine)) {
    release_warp(mine);
    return thread.got;
  }
  Fiber::switch_from(*thread.fiber, scheduler_);
  return thread.got;
}

void* Block::shared(std::size_t bytes, const Site& site) {
  threads_[current_].site = site;
  if (bytes > launch_.shared_bytes)
    violate(current_, "uses " + std::to_string(bytes) +
                          " bytes of shared memory, the launch gave " +
                          std::to_string(launch_.shared_bytes));
  return shared_.get();
}

// -- who did not come ---------------------------------------------------------

std::string Block::whereabouts(unsigned index) const {
  const auto& thread = threads_[index];
  const auto who = "thread " + text(place(index, launch_.threads));
  switch (thread.state) {
    case State::at_barrier:
      return who + " waits at the block's barrier at " + where(thread.site);
    case State::in_warp:
      return who + " waits in " + name_of(thread.mine.what) + " at " +
             where(thread.site);
    case State::ready:
    case State::returned:
      break;
  }
  return who + " has returned";
}

void Block::explain_warp(unsigned index) {
  const auto& mine = threads_[index].mine;
  const auto warp = index / kWarpLanes;
  for (unsigned lane = 0; lane <= last_lane(warp); ++lane) {
    const auto other = warp * kWarpLanes + lane;
    const auto& its = threads_[other];
    if ((mine.mask >> lane & 1) == 0 ||
        (its.state == State::in_warp && its.mine.what == mine.what &&
         its.mine.mask == mine.mask))
      continue;
    violate(index, std::string("waits in ") + name_of(mine.what) +
                       " for ever: " + whereabouts(other));
  }
}

// Nothing can go on: fine only where all have returned.
void Block::explain() {
  for (unsigned i = 0; i < threads_.size(); ++i)
    if (threads_[i].state == State::in_warp) return explain_warp(i);
  for (unsigned i = 0; i < threads_.size(); ++i) {
    if (threads_[i].state != State::at_barrier) continue;
    for (unsigned other = 0; other < threads_.size(); ++other)
      if (threads_[other].state != State::at_barrier ||
          threads_[other].site != threads_[i].site)
        violate(i,
                "waits at the block's barrier for ever: " + whereabouts(other));
  }
}

void Block::violate(unsigned index, const std::string& what) {
  violation_ = std::string("kernel ") + launch_.name + ", block " +
               text(block_) + ", thread " +
               text(place(index, launch_.threads)) + " " + what + " (" +
               where(threads_[index].site) + ")";
  // From a kernel's thread back to run(), which throws; from run() directly.
  const bool in_thread = std::ranges::any_of(
      threads_, [](const Thread& t) { return t.state == State::ready; });
  if (!in_thread) throw Violation{violation_};
  Fiber::switch_from(*threads_[current_].fiber, scheduler_);
  std::abort();
}

void check(const Launch& launch) {
  const auto refuse = [&](const std::string& what) {
    throw Violation{std::string("kernel ") + launch.name + ": " + what};
  };
  const auto& [x, y, z] = launch.blocks;
  if (x == 0 || y == 0 || z == 0 || x > 0x7fffffff || y > 65535 || z > 65535)
    refuse("a grid of " + text(launch.blocks));
  if (launch.threads.count() == 0 || launch.threads.count() > kMaxThreads)
    refuse("a block of " + text(launch.threads));
  if (launch.shared_bytes > kMaxSharedBytes)
    refuse(std::to_string(launch.shared_bytes) + " bytes of shared memory");
}

}  // namespace

void set_order(Order order) {
  chosen = order;
}

void run(const Launch& launch, const std::function<void()>& body) {
  check(launch);
  Block block{launch, body, chosen};
  running = &block;
  const std::unique_ptr<Block, void (*)(Block*)> abandon{
      &block, [](Block* of) {
        if (of->was_violated()) stacks.clear();
      }};
  blockDim = {launch.threads.x, launch.threads.y, launch.threads.z};
  gridDim = {launch.blocks.x, launch.blocks.y, launch.blocks.z};
  for (unsigned z = 0; z < launch.blocks.z; ++z)
    for (unsigned y = 0; y < launch.blocks.y; ++y)
      for (unsigned x = 0; x < launch.blocks.x; ++x) block.run({x, y, z});
}

void block_barrier(const Site& site) {
  running->barrier(site);
}

Exchanged meet(const Exchange& mine, const Site& site) {
  return running->meet(mine, site);
}

unsigned lane_here() {
  return running->current() % kWarpLanes;
}

void* shared_memory(std::size_t bytes, const Site& site) {
  return running->shared(bytes, site);
}

}  // namespace troupe::cuda_shim
