// The threads that CPU kernels of one Context share. Workers spin for a moment
// after a job, then park: an idle team costs nothing. No OpenMP, no queue.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace troupe {

inline constexpr int kMaxTeamThreads = 1024;

/// Used by one thread at a time, which works too.
class ThreadTeam {
 public:
  /// REQUIRES: 1 <= threads <= kMaxTeamThreads; the caller counts as one.
  explicit ThreadTeam(int threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls work(part) once for each part of [0, parts), on any thread and in
  /// any order; returns when all are done. A worker that wakes too late is not
  /// waited for. REQUIRES: `work` does not throw.
  template <class Work>
  void run(std::int64_t parts, const Work& work) {
    run_job(
        parts,
        [](const void* context, std::int64_t part) {
          (*static_cast<const Work*>(context))(part);
        },
        &work);
  }

 private:
  using Call = void (*)(const void* context, std::int64_t part);

  void run_job(std::int64_t parts, Call call, const void* context);
  void take_parts();
  void work();

  // The job. Written while no worker is in it.
  Call call_ = nullptr;
  const void* context_ = nullptr;
  std::int64_t parts_ = 0;
  std::atomic<std::int64_t> next_{0};

  // Bits: job number << 16 | open << 15 | workers inside. A worker enters an
  // open job only; the caller closes it and waits for those inside.
  std::atomic<std::uint32_t> state_{0};
  std::atomic<bool> ending_{false};
  std::vector<std::thread> workers_;
};

}  // namespace troupe
