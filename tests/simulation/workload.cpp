#include "tests/simulation/workload.hpp"

#include <algorithm>
#include <string>

namespace troupe::simulation {

using test::below;
using test::chance;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

void normalise(JobSpec& spec, std::vector<Fault>& faults) {
  if (spec.params.empty()) spec.params = "{}";
  if (spec.params == R"({"bad":true})")
    faults.push_back({"params.bad", "this kind allows no such parameter"});
}

const Kind kWork{.name = "sim.work",
                 .summary = "work without effects",
                 .params = {},
                 .normalise = &normalise};
const Kind kEffect{.name = "sim.effect",
                   .summary = "work with outside effects",
                   .params = {},
                   .outside_effects = true,
                   .normalise = &normalise};

const Kind kText{.name = "sim.text",
                 .summary = "work with a model that others use too",
                 .params = {},
                 .needs_model = true,
                 .normalise = &normalise};

}  // namespace

const Kinds& sim_kinds() {
  static const Kinds kinds{&kWork, &kEffect, &kText};
  return kinds;
}

std::vector<DeviceInfo> sim_devices() {
  return {{.name = "sim0",
           .klass = "cpu",
           .memory_bytes = 64 * kMiB,
           .slots = 6,
           .kinds = {"sim.work", "sim.effect", "sim.text"}},
          {.name = "sim1",
           .klass = "cpu",
           .memory_bytes = 32 * kMiB,
           .slots = 4,
           .kinds = {"sim.work", "sim.text"}}};
}

std::vector<SharedModel> sim_models() {
  return {{.name = "narrow", .bytes = 6 * kMiB, .batch = 2},
          {.name = "wide", .bytes = 12 * kMiB, .batch = 5}};
}

SchedulerLimits sim_limits() {
  SchedulerLimits limits;
  limits.max_live_jobs = 150;
  limits.max_dependencies = 8;
  limits.ageing_step_ms = 8'000;
  limits.hold_after_ms = 5'000;
  limits.lease_ms = 4'000;
  limits.stop_grace_ms = 6'000;
  return limits;
}

Workload::Workload(World& world, const Oracle& oracle)
    : world_{world},
      oracle_{oracle},
      random_{world.coordinator.fork()},
      id_random_{world.coordinator.fork()},
      ids_{world.coordinator.wall_clock(), *id_random_} {}

Work Workload::next() {
  Work work;
  work.spec = plain();
  if (chance(*random_, 25)) depend(work.spec);
  limit(work.spec);
  if (chance(*random_, 6))
    work.refusal = spoil(work.spec);
  else
    made_.push_back(work.spec.id);
  return work;
}

JobSpec Workload::plain() {
  static const std::string kTenants[] = {"ada", "bob", "cyd"};
  JobSpec spec;
  spec.id = ids_.next();
  const auto draw = below(*random_, 100);
  spec.kind = draw < 45 ? "sim.work" : draw < 65 ? "sim.effect" : "sim.text";
  spec.params = "{}";
  spec.tenant = kTenants[below(*random_, 3)];
  spec.submitted_by = spec.tenant;
  spec.priority = static_cast<Priority>(1 + below(*random_, 3));
  spec.memory_bytes = below(*random_, 12) * kMiB;
  if (spec.kind == "sim.text") {
    spec.model = chance(*random_, 60) ? "wide" : "narrow";
    spec.memory_bytes = below(*random_, 3) * kMiB;
  }
  spec.retry.max_attempts = static_cast<std::uint32_t>(1 + below(*random_, 4));
  spec.retry.backoff_ms = 200;
  spec.retry.max_backoff_ms = 3'000;
  spec.retry.on_command_failure = chance(*random_, 30);
  if (spec.kind == "sim.effect" && chance(*random_, 30))
    spec.on_lost = OnLost::fail;
  return spec;
}

void Workload::depend(JobSpec& spec) {
  if (made_.empty()) return;
  const auto wanted = 1 + below(*random_, 2);
  for (std::uint64_t i = 0; i < wanted; ++i) {
    const JobId id = made_[below(*random_, made_.size())];
    // Only what is on the log for sure: an open submit may be refused yet.
    const auto* job = oracle_.find(id);
    if (job == nullptr || job->spec.tenant != spec.tenant) continue;
    if (std::ranges::count(spec.depends_on, id) == 0)
      spec.depends_on.push_back(id);
  }
}

void Workload::limit(JobSpec& spec) {
  const auto now = world_.coordinator.wall_clock().now();
  const auto ms = [this](std::uint64_t n) {
    return static_cast<std::int64_t>(below(*random_, n));
  };
  if (chance(*random_, 8)) spec.not_before_ms = now + ms(20'000);
  if (chance(*random_, 10))
    spec.deadline_ms = spec.not_before_ms.value_or(now) + 2'000 + ms(40'000);
  if (chance(*random_, 10)) spec.timeout_ms = 500 + ms(8'000);
  if (chance(*random_, 15)) spec.device = "sim0";
}

std::optional<Errc> Workload::spoil(JobSpec& spec) {
  switch (below(*random_, 6)) {
    case 0:
      spec.params = R"({"bad":true})";
      return Errc::invalid_argument;
    case 1:
      spec.kind = "sim.wrok";
      return Errc::invalid_argument;
    case 2:
      spec.depends_on = {ids_.next()};
      return Errc::not_found;
    case 3:
      spec.memory_bytes = 1'000 * kMiB;
      return Errc::invalid_argument;
    case 4:
      return depend_on_too_many(spec);
    default:
      spec.device = "sim9";
      return Errc::invalid_argument;
  }
}

std::optional<Errc> Workload::depend_on_too_many(JobSpec& spec) {
  spec.depends_on.clear();
  for (const auto& [id, job] : oracle_.jobs()) {
    if (job.spec.tenant != spec.tenant) continue;
    spec.depends_on.push_back(id);
    if (spec.depends_on.size() > sim_limits().max_dependencies)
      return Errc::too_large;
  }
  spec.depends_on = {spec.id};  // Too few yet: a circle instead.
  return Errc::invalid_argument;
}

}  // namespace troupe::simulation
