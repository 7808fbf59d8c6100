// The actor that holds a connection's session: sends what the Link's queues
// say, hands answers out, dials again. Internal to client/; includes CAF.
#pragma once

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "actors/protocol.hpp"
#include "client/connection.hpp"
#include "client/submit_queue.hpp"
#include "cluster/connect.hpp"

namespace troupe::client {

using cluster::Seat;

/// Blocks, for a finite time; called on a thread of its own, one call at a
/// time. Errors: unavailable, denied, unsupported, timeout.
using Dial = std::function<Result<Seat>()>;

/// What callers and the actor share. All but the atomics under `mutex`.
struct Link {
  Link(Options o, SubmitLimits limits)
      : options{std::move(o)}, submits{limits} {}

  /// Hands a call to the actor.
  void post(Call call);
  /// Hands a job to the actor. Errors: those of SubmitQueue::add().
  Status submit(const JobSpec& spec, SteadyMs deadline_ms, SubmitCallback done);
  /// Something is there for the actor to find. REQUIRES: mutex not held.
  void wake();

  const Options options;

  std::mutex mutex;
  caf::actor actor;
  std::condition_variable closed_changed;
  SubmitQueue submits;
  std::vector<Call> calls;  // New ones.
  std::optional<Result<Seat>> dialled;
  /// When the actor will look by itself.
  SteadyMs armed_ms = std::numeric_limits<SteadyMs>::max();
  bool awake = false;  // The actor runs, or a message to wake it is under way.
  bool closing = false;
  bool closed = false;

  std::atomic<std::thread::id> own_thread{};
  std::atomic<std::uint64_t> frames_sent{0};
  std::atomic<std::uint64_t> frames_received{0};
  std::atomic<std::uint64_t> submit_frames_sent{0};
  std::atomic<std::uint64_t> jobs_sent{0};
  std::atomic<std::uint64_t> reconnects{0};
};

/// Starts with a seat; ends after link->closing, with everything answered.
void spawn_link(caf::actor_system& sys, std::shared_ptr<Link> link, Seat seat,
                Dial dial);

}  // namespace troupe::client
