#include "kernels/thread_team.hpp"

#include "core/result.hpp"
#include "kernels/cpu/relax.hpp"

namespace troupe {
namespace {

constexpr std::uint32_t kOpen = 1u << 15;
constexpr std::uint32_t kInside = kOpen - 1;
constexpr std::uint32_t kJobShift = 16;

// Between two ops of a decoding step lie a few microseconds; a wake-up from
// the kernel costs 5 to 50. A spin of this many looks is some 20 us at 3 GHz.
constexpr int kSpins = 1000;

}  // namespace

ThreadTeam::ThreadTeam(int threads) {
  TROUPE_ASSERT(threads >= 1 && threads <= kMaxTeamThreads);
  workers_.reserve(static_cast<std::size_t>(threads - 1));
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
}

ThreadTeam::~ThreadTeam() {
  ending_.store(true);
  state_.fetch_add(1u << kJobShift);
  state_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadTeam::take_parts() {
  for (;;) {
    const auto part = next_.fetch_add(1, std::memory_order_relaxed);
    if (part >= parts_) return;
    call_(context_, part);
  }
}

void ThreadTeam::run_job(std::int64_t parts, Call call, const void* context) {
  if (parts <= 1 || workers_.empty()) {
    for (std::int64_t part = 0; part < parts; ++part) call(context, part);
    return;
  }
  call_ = call;
  context_ = context;
  parts_ = parts;
  next_.store(0, std::memory_order_relaxed);
  const auto job = (state_.load(std::memory_order_relaxed) >> kJobShift) + 1;
  state_.store(job << kJobShift | kOpen, std::memory_order_release);
  state_.notify_all();
  take_parts();
  auto state = state_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
  for (int spins = 0; (state & kInside) != 0; ++spins) {
    if (spins < kSpins)
      kernels::relax();
    else
      state_.wait(state, std::memory_order_acquire);
    state = state_.load(std::memory_order_acquire);
  }
}

void ThreadTeam::work() {
  std::uint32_t last_job = 0;
  int spins = 0;
  for (;;) {
    auto state = state_.load(std::memory_order_acquire);
    // After the state: whoever sees the last one sees this, and does not park.
    if (ending_.load(std::memory_order_relaxed)) return;
    if ((state & kOpen) == 0 || state >> kJobShift == last_job) {
      if (++spins < kSpins)
        kernels::relax();
      else
        state_.wait(state, std::memory_order_acquire);
      continue;
    }
    if (!state_.compare_exchange_weak(state, state + 1,
                                      std::memory_order_acq_rel))
      continue;
    last_job = state >> kJobShift;
    take_parts();
    const auto left = state_.fetch_sub(1, std::memory_order_acq_rel) - 1;
    // Only the caller of a closed job waits for this.
    if ((left & (kOpen | kInside)) == 0) state_.notify_all();
    spins = 0;
  }
}

}  // namespace troupe
