#include "core/clock.hpp"

#include <chrono>
#include <random>

namespace troupe {
namespace {

template <class Clock, class Unit = std::chrono::milliseconds>
std::int64_t now_in() {
  return std::chrono::duration_cast<Unit>(Clock::now().time_since_epoch())
      .count();
}

class SystemWallClock : public WallClock {
 public:
  UnixMs now() const override { return now_in<std::chrono::system_clock>(); }
};

class SystemSteadyClock : public SteadyClock {
 public:
  SteadyMs now() const override { return now_in<std::chrono::steady_clock>(); }
  std::int64_t now_us() const override {
    return now_in<std::chrono::steady_clock, std::chrono::microseconds>();
  }
};

class SplitMix : public Random {
 public:
  explicit SplitMix(std::uint64_t seed) : state_{seed} {}
  std::uint64_t next() override {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace

const WallClock& system_wall_clock() {
  static const SystemWallClock clock;
  return clock;
}

const SteadyClock& system_steady_clock() {
  static const SystemSteadyClock clock;
  return clock;
}

std::unique_ptr<Random> system_random() {
  std::random_device device;
  return seeded_random(std::uint64_t{device()} << 32 | device());
}

std::unique_ptr<Random> seeded_random(std::uint64_t seed) {
  return std::make_unique<SplitMix>(seed);
}

}  // namespace troupe
