// Our side: the real program as a child process, driven through the client
// library over mutual TLS from this process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "bench/jobs/redis_peer.hpp"
#include "bench/jobs/worker_process.hpp"
#include "client/client.hpp"

namespace troupe::bench {

/// Live events of one job, as a follower received them.
struct EventRun {
  double events_per_s = 0;
  double received = 0;  // Of those that were told; the follower knew it of
  double told = 0;      // each that it did not get.
  double bytes_per_event = 0;  // In the frames.
};

/// One `troupe node` with `slots` attempts at once, in a data folder of its
/// own. Ends with this object.
class OurNode {
 public:
  /// Throws std::runtime_error when the node does not answer.
  OurNode(const std::filesystem::path& program,
          const std::filesystem::path& data, int slots,
          const std::string& more_settings = "");
  ~OurNode();
  OurNode(const OurNode&) = delete;
  OurNode& operator=(const OurNode&) = delete;

  /// Submits of jobs that stay queued (the queue is paused), per second.
  double submits(int in_flight, int count);
  /// As RedisPeer::jobs().
  PeerRun jobs(int count);
  /// From now on a worker process does the work, nobody in the node.
  void work_elsewhere(int slots);
  /// Progress of one job of `count` steps, all events asked for.
  EventRun events(int count);
  /// As RedisPeer::closed_loop().
  PeerRun closed_loop(int count, double rate);
  /// Empty requests over the connection, one at a time, per second.
  double wire_requests(int count);
  /// Pages of 50 queued jobs; median milliseconds.
  double page_ms(int pages);

  void pause();
  void resume();
  /// Waits until it does nothing any more: what it still owed from before
  /// (indexing, compaction) is not charged to what is measured next.
  void settle();
  pid_t pid() const { return pid_; }
  std::uint64_t disk_bytes() const;
  /// SIGKILL, start again; seconds until a client has its answer.
  double restart_seconds();
  client::Client& client() { return *client_; }
  const std::filesystem::path& data() const { return data_; }

 private:
  void start();
  void stop();

  std::filesystem::path program_, data_;
  pid_t pid_ = -1;
  double cpu() const;  // Seconds of all processes, this one too.
  std::unique_ptr<client::Client> client_;
  std::unique_ptr<WorkerProcess> worker_;
};

}  // namespace troupe::bench
