#include "tests/support/sim_coordinator.hpp"

#include <chrono>
#include <utility>

namespace troupe::test {

std::uint64_t below(Random& random, std::uint64_t n) {
  return random.next() % n;
}

bool chance(Random& random, std::uint32_t percent) {
  return below(random, 100) < percent;
}

SimCoordinator::Config::Config() {
  set("caf.scheduler.policy", "testing");
}

SimCoordinator::SimCoordinator(std::uint64_t seed)
    : system_{config_},
      order_{seeded_random(seed)},
      choices_{seeded_random(seed ^ 0x5bd1e995'5bd1e995ull)} {
  system_.await_actors_before_shutdown(false);
}

SimCoordinator::~SimCoordinator() {
  // The system's own stop fires timers until none is left, and actors that
  // tick for ever never let that happen.
  timers().schedule.clear();
  while (step()) timers().schedule.clear();
}

caf::scheduler::test_coordinator& SimCoordinator::ready() {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
}

caf::detail::test_actor_clock& SimCoordinator::timers() {
  return dynamic_cast<caf::detail::test_actor_clock&>(ready().clock());
}

bool SimCoordinator::step() {
  auto& jobs = ready().jobs;
  if (jobs.empty()) return false;
  const auto picked = below(*order_, jobs.size());
  std::swap(jobs[0], jobs[picked]);
  return ready().try_run_once();
}

std::optional<std::int64_t> SimCoordinator::until_next_timer_ms() {
  auto& clock = timers();
  while (!clock.schedule.empty() && clock.schedule.begin()->second.f.disposed())
    clock.schedule.erase(clock.schedule.begin());
  if (clock.schedule.empty()) return std::nullopt;
  const auto wait = clock.schedule.begin()->first - clock.now();
  // Up, never down: the timer must be due when this much time has passed.
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return ms > 0 ? ms : 0;
}

void SimCoordinator::advance(std::int64_t by_ms) {
  ready().advance_time(std::chrono::milliseconds{by_ms});
}

std::unique_ptr<Random> SimCoordinator::fork() {
  return seeded_random(choices_->next());
}

SteadyMs SimCoordinator::Steady::now() const {
  // The wrapped clock is not const; reading it changes nothing.
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             owner.timers().now().time_since_epoch())
      .count();
}

}  // namespace troupe::test
