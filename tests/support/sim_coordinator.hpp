// A CAF actor system without threads in which a seed decides: it picks the
// ready actor that handles its next message, time moves only when told to, and
// every random number comes from here. The same seed is the same run.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/clock.hpp"

namespace troupe::test {

/// Uniform in [0, n). REQUIRES: n > 0.
std::uint64_t below(Random& random, std::uint64_t n);

/// True in `percent` of 100 draws.
bool chance(Random& random, std::uint32_t percent);

/// REQUIRES: no actor is detached; nobody else uses the system.
class SimCoordinator {
 public:
  /// Wall time at the start of every run.
  static constexpr UnixMs kBeginMs = 1'800'000'000'000;

  explicit SimCoordinator(std::uint64_t seed);
  /// Timers that still wait are dropped; messages that still wait are handled.
  ~SimCoordinator();
  SimCoordinator(const SimCoordinator&) = delete;
  SimCoordinator& operator=(const SimCoordinator&) = delete;

  caf::actor_system& system() { return system_; }

  /// Lets one ready actor, picked by the seed, handle one message.
  /// False: no actor is ready.
  bool step();

  /// Milliseconds until the next timer; nothing: no timer waits.
  std::optional<std::int64_t> until_next_timer_ms();

  /// Moves both clocks; what falls due becomes messages, none is handled yet.
  void advance(std::int64_t by_ms);

  const SteadyClock& steady_clock() const { return steady_; }
  const WallClock& wall_clock() const { return wall_; }
  std::int64_t now_ms() const { return steady_.now(); }

  /// For the test's own choices; the order of actors draws from another.
  Random& random() { return *choices_; }
  /// A generator of its own for whoever lives under this seed.
  std::unique_ptr<Random> fork();

 private:
  struct Config : caf::actor_system_config {
    Config();
  };
  struct Steady final : SteadyClock {
    explicit Steady(SimCoordinator& owner) : owner{owner} {}
    SteadyMs now() const override;
    SimCoordinator& owner;
  };
  struct Wall final : WallClock {
    explicit Wall(const Steady& steady) : steady{steady} {}
    UnixMs now() const override { return kBeginMs + steady.now(); }
    const Steady& steady;
  };

  caf::scheduler::test_coordinator& ready();
  caf::detail::test_actor_clock& timers();

  Config config_;
  caf::actor_system system_;
  std::unique_ptr<Random> order_;
  std::unique_ptr<Random> choices_;
  Steady steady_{*this};
  Wall wall_{steady_};
};

}  // namespace troupe::test
