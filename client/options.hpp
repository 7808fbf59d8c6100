// How a client finds a head, proves who it is and what it puts up with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace troupe::client {

struct Options {
  /// Where the node of this machine keeps its data: address and certificate
  /// are found there, again after each restart of the node.
  std::filesystem::path data = {};

  /// A head elsewhere; used instead of `data` when host is not empty.
  std::string host = {};
  std::uint16_t port = 0;
  std::filesystem::path authority = {};    // PEM; who signed the head's.
  std::filesystem::path certificate = {};  // PEM; this client's.
  std::filesystem::path key = {};          // PEM, readable by its owner only.

  /// The longest time connect() takes.
  std::int64_t connect_timeout_ms = 10'000;
  /// Of every call that states none. A timeout means: outcome unknown, asking
  /// again with the same id is safe.
  std::int64_t timeout_ms = 30'000;

  /// After a lost connection: the pause before the first try, doubling up to
  /// the second. Off: calls fail with `unavailable` instead. Never
  /// after a head refused this client (`denied`).
  bool reconnect = true;
  std::int64_t backoff_ms = 50;
  std::int64_t max_backoff_ms = 2'000;

  /// Jobs that may be on their way to the head unanswered, and beyond them
  /// jobs that may wait here; submits beyond both are refused (unavailable).
  std::uint32_t window_jobs = 4'096;
  std::uint32_t queue_jobs = 65'536;
};

/// What travelled, since connect(). For tests, benches and curious operators.
struct Stats {
  std::uint64_t frames_sent = 0;
  std::uint64_t frames_received = 0;
  std::uint64_t submit_frames_sent = 0;
  std::uint64_t jobs_sent = 0;  // Repetitions count again.
  std::uint64_t reconnects = 0;
};

}  // namespace troupe::client
