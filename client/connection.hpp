// One connection to a head, kept up across the head's restarts: carries frames
// and their answers, repeats what is safe to repeat, ends what takes too long.
// Knows nothing of what most frames mean. Internal to client/.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "client/client.hpp"
#include "client/options.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"

namespace troupe::client {

/// A frame as the head answered it; errors of the head are Errors already.
struct Answer {
  std::string type;
  std::string bytes;
  /// Differs when the head's store is another one than before: cursors of an
  /// earlier answer mean nothing any more.
  std::uint64_t store = 0;
};

inline Error stale_cursor() {
  return {Errc::stale,
          "the head's store is another one than before (a copy was restored): "
          "begin anew"};
}

/// Called once on the connection's own thread; must not throw.
using AnswerCallback = std::function<void(Result<Answer>)>;

struct Call {
  std::string type;
  std::string bytes;  // msgpack of the request.
  SteadyMs deadline_ms = 0;
  /// Sent again when the connection was lost before the answer; else it is
  /// answered `timeout` then, because the outcome is unknown.
  bool repeatable = true;
  /// `unavailable` is waited out until the deadline even without a hint.
  bool patient = false;
  AnswerCallback done;
};

struct Link;  // Shared with the actor behind: link.hpp.

/// Safe to use from every thread.
class Connection {
 public:
  /// Dials once, or as often as the head asks to come back, within
  /// connect_timeout_ms. Errors: see Client::connect().
  static Result<std::unique_ptr<Connection>> open(Options options);

  /// Answers what is open with `cancelled`.
  /// REQUIRES: not on the connection's own thread.
  ~Connection();

  void call(Call call);
  /// REQUIRES: spec.id. Errors: those of SubmitQueue::add().
  Status submit(const JobSpec& spec, std::int64_t timeout_ms,
                SubmitCallback done);

  const Options& options() const;
  /// `timeout_ms`, or the option's where it is 0.
  std::int64_t timeout_or_default(std::int64_t timeout_ms) const;
  bool on_own_thread() const;
  Stats stats() const;

 private:
  struct System;
  Connection(std::unique_ptr<System> system, std::shared_ptr<Link> link);

  std::unique_ptr<System> system_;
  std::shared_ptr<Link> link_;
};

}  // namespace troupe::client
