// The peer: a redis-server with `appendfsync always`, driven by the least that
// a reliable queue with history must do there. Submit writes the job's hash
// and pushes it, take moves it to active and sets its state, finish writes
// state and result, removes it from active, indexes it as completed and tells
// the client; each is one script, so each is atomic.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace troupe::bench {

struct PeerRun {
  double jobs_per_s = 0;
  double cpu_us_per_job = 0;         // Of server, client and workers.
  std::vector<double> latencies_ms;  // Of single jobs, where they were taken.
};

/// One redis-server child on a unix socket... or TCP port of loopback, in a
/// folder of its own. Ends with this object.
class RedisPeer {
 public:
  /// Throws std::runtime_error when redis-server cannot be started.
  explicit RedisPeer(const std::filesystem::path& dir);
  ~RedisPeer();
  RedisPeer(const RedisPeer&) = delete;
  RedisPeer& operator=(const RedisPeer&) = delete;

  /// Durable submits per second with `in_flight` of them unanswered.
  double submits(int in_flight, int count);
  /// Submit to complete: `workers` jobs at work at once, 100 submits in
  /// flight, fewer than 2,000 waiting; counted when the client hears of it.
  PeerRun jobs(int workers, int count);
  /// One job at a time: the next is submitted when the last is complete.
  /// `rate` 0: as fast as it goes; otherwise so many a second, open loop.
  PeerRun closed_loop(int count, double rate);

  void flush_all();
  pid_t pid() const { return pid_; }
  int port() const { return port_; }
  /// Bytes of its append-only files.
  std::uint64_t disk_bytes() const;
  /// Ends the server, starts it on the same files; seconds until it answers.
  double restart_seconds();

 private:
  void start();
  void stop();

  std::filesystem::path dir_;
  pid_t pid_ = -1;
  int port_ = 0;
  std::string submit_sha_, take_sha_, finish_sha_;
};

}  // namespace troupe::bench
