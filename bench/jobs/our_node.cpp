#include "bench/jobs/our_node.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "bench/jobs/load.hpp"
#include "bench/support/figures.hpp"
#include "bench/support/process_cost.hpp"
#include "codec/msgpack.hpp"

namespace troupe::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

JobSpec job(int i) {
  static const auto params = [] {
    auto texts = payloads(4096);
    for (auto& text : texts) text = "{\"payload\":\"" + text + "\"}";
    return texts;
  }();
  JobSpec spec;
  spec.kind = "noop";
  spec.params = params[static_cast<std::size_t>(i) % params.size()];
  return spec;
}

// Counts what is answered and what is complete; the sender waits on it.
class Progress {
 public:
  void answered(const Result<SubmitAnswer>& answer) {
    if (!answer)
      refused(answer.error());
    else if (answer->error)
      refused(*answer->error);
    ++answered_;
    wake();
  }
  void completed(std::size_t n) {
    completed_ += static_cast<int>(n);
    wake();
  }
  template <class Condition>
  void wait(Condition condition) {
    std::unique_lock lock{mutex_};
    while (!condition()) {
      waiting_ = true;
      changed_.wait_for(lock, std::chrono::milliseconds(100));
    }
    waiting_ = false;
  }
  int answered() const { return answered_; }
  int completed() const { return completed_; }
  /// Empty: every answer was a yes.
  std::string refusal() const {
    std::lock_guard lock{mutex_};
    return refusal_;
  }

 private:
  void refused(const Error& why) {
    std::lock_guard lock{mutex_};
    if (refusal_.empty()) refusal_ = why.message;
  }
  void wake() {
    if (!waiting_) return;
    std::lock_guard lock{mutex_};
    changed_.notify_one();
  }
  mutable std::mutex mutex_;
  std::string refusal_;
  std::condition_variable changed_;
  std::atomic<bool> waiting_{false};
  std::atomic<int> answered_{0}, completed_{0};
};

// What a follower of one job hears, until it hears of its end.
class EventCount {
 public:
  void take(const Result<client::FollowBatch>& batch) {
    std::lock_guard lock{mutex_};
    if (!batch) {
      failure_ = batch.error().message;
      ended_ = true;
    } else {
      count(*batch);
    }
    if (ended_) changed_.notify_one();
  }
  EventRun wait() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return ended_; });
    if (!failure_.empty()) throw std::runtime_error("follower: " + failure_);
    run_.events_per_s =
        run_.received / std::chrono::duration<double>(last_ - first_).count();
    return run_;
  }

 private:
  void count(const client::FollowBatch& batch) {
    for (const auto& entry : batch.entries)
      ended_ = ended_ || entry.change.type == ChangeType::ended;
    if (batch.live.empty()) return;
    last_ = Clock::now();
    // The first batch starts the clock: what it holds was not timed.
    if (run_.bytes_per_event == 0) {
      first_ = last_;
      run_.bytes_per_event = double(to_msgpack(batch.live.back()).size());
      return;
    }
    run_.received += double(batch.live.size());
    run_.told += double(batch.live_lost) + double(batch.live.size());
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  EventRun run_;
  Clock::time_point first_, last_;
  std::string failure_;
  bool ended_ = false;
};

void must(bool fine, const std::string& what) {
  if (!fine) throw std::runtime_error("our node: " + what);
}

}  // namespace

OurNode::OurNode(const std::filesystem::path& program,
                 const std::filesystem::path& data, int slots,
                 const std::string& more_settings)
    : program_{program}, data_{data} {
  std::filesystem::create_directories(data_);
  std::filesystem::permissions(data_, std::filesystem::perms::owner_all);
  std::ofstream{data_ / "troupe.toml"} << "[node]\ncpu_slots = " << slots
                                       << "\n[queue]\nmax_jobs = 2000000\n"
                                       << more_settings;
  start();
}

OurNode::~OurNode() {
  worker_.reset();
  stop();
}

void OurNode::start() {
  pid_ = ::fork();
  if (pid_ == 0) {
    const int log = ::open((data_ / "bench.log").c_str(),
                           O_CREAT | O_APPEND | O_WRONLY, 0600);
    ::dup2(log, 1);
    ::dup2(log, 2);
    ::execl(program_.c_str(), program_.c_str(), "node", "--data", data_.c_str(),
            static_cast<char*>(nullptr));
    ::_exit(127);
  }
  const auto start = Clock::now();
  while (true) {
    auto client = client::Client::connect({.data = data_});
    if (client && (*client)->status()) {
      client_ = *std::move(client);
      return;
    }
    if (seconds_since(start) > 60 || ::waitpid(pid_, nullptr, WNOHANG) != 0) {
      must(bool(client), "no connection: " + client.error().message);
      must(false, "no status");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

double OurNode::cpu() const {
  return cpu_seconds(::getpid()) + cpu_seconds(pid_) +
         (worker_ ? cpu_seconds(worker_->pid()) : 0);
}

void OurNode::work_elsewhere(int slots) {
  must(bool(client_->control({.verb = ControlVerb::pause, .device = "cpu"})),
       "pause of the node's own device");
  worker_ = std::make_unique<WorkerProcess>(data_, slots);
  jobs(1);  // It is there.
}

EventRun OurNode::events(int count) {
  JobSpec spec;
  spec.kind = "echo";
  spec.params = R"({"text":"x","steps":)" + std::to_string(count) + "}";
  pause();
  const auto answer = client_->submit(spec);
  must(answer && !answer->error, "submit of the job that reports");
  EventCount count_of;
  auto follower = client_->subscribe(
      {.job = answer->id, .live = true, .credit = 4096},
      [&](Result<client::FollowBatch> batch) { count_of.take(batch); });
  must(bool(follower), "subscribe");
  resume();
  return count_of.wait();
}

void OurNode::stop() {
  client_.reset();
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void OurNode::pause() {
  must(bool(client_->control({.verb = ControlVerb::pause})), "pause");
}
void OurNode::resume() {
  must(bool(client_->control({.verb = ControlVerb::resume})), "resume");
}

void OurNode::settle() {
  constexpr auto kLook = std::chrono::milliseconds(300);
  const auto start = Clock::now();
  for (double before = -1; seconds_since(start) < 30;) {
    const double now = cpu_seconds(pid_);
    if (now - before < 0.015) return;  // A clock tick is 10 ms.
    before = now;
    std::this_thread::sleep_for(kLook);
  }
}

double OurNode::submits(int in_flight, int count) {
  Progress progress;
  const auto start = Clock::now();
  for (int sent = 0; sent < count; ++sent) {
    progress.wait([&] { return sent - progress.answered() < in_flight; });
    auto id = client_->submit_async(
        job(sent), [&](Result<SubmitAnswer> a) { progress.answered(a); });
    must(bool(id), "submit: " + (id ? "" : id.error().message));
  }
  progress.wait([&] { return progress.answered() == count; });
  must(progress.refusal().empty(),
       "a submit was refused: " + progress.refusal());
  return count / seconds_since(start);
}

PeerRun OurNode::jobs(int count) {
  Progress progress;
  auto ends =
      client_->subscribe({.from_now = true, .ends_only = true, .credit = 4096},
                         [&](Result<client::FollowBatch> batch) {
                           if (batch) progress.completed(batch->entries.size());
                         });
  must(bool(ends), "subscribe");
  const double before = cpu();
  const auto start = Clock::now();
  for (int sent = 0; sent < count; ++sent) {
    progress.wait([&] {
      return sent - progress.answered() < kInFlight &&
             sent - progress.completed() < kMaxWaiting;
    });
    auto id = client_->submit_async(
        job(sent), [&](Result<SubmitAnswer> a) { progress.answered(a); });
    must(bool(id), "submit: " + (id ? "" : id.error().message));
  }
  progress.wait([&] { return progress.completed() >= count; });
  PeerRun run;
  run.jobs_per_s = count / seconds_since(start);
  run.cpu_us_per_job = (cpu() - before) * 1e6 / count;
  must(progress.refusal().empty(),
       "a submit was refused: " + progress.refusal());
  return run;
}

PeerRun OurNode::closed_loop(int count, double rate) {
  Progress progress;
  auto ends = client_->subscribe({.from_now = true, .ends_only = true},
                                 [&](Result<client::FollowBatch> batch) {
                                   if (batch)
                                     progress.completed(batch->entries.size());
                                 });
  must(bool(ends), "subscribe");
  PeerRun run;
  const auto start = Clock::now();
  for (int i = 0; i < count; ++i) {
    auto begin = Clock::now();
    if (rate > 0) {
      begin = start + std::chrono::duration_cast<Clock::duration>(
                          std::chrono::duration<double>(i / rate));
      std::this_thread::sleep_until(begin);
    }
    const auto answer = client_->submit(job(i));
    must(bool(answer), "submit: " + (answer ? "" : answer.error().message));
    progress.wait([&] { return progress.completed() > i; });
    run.latencies_ms.push_back(seconds_since(begin) * 1e3);
  }
  run.jobs_per_s = count / seconds_since(start);
  return run;
}

double OurNode::wire_requests(int count) {
  const auto start = Clock::now();
  for (int i = 0; i < count; ++i)
    must(bool(client_->ping()), "an empty request");
  return count / seconds_since(start);
}

double OurNode::page_ms(int pages) {
  std::vector<double> times;
  ListRequest request{.states = {JobState::queued}, .max_jobs = 50};
  for (int i = 0; i < pages; ++i) {
    const auto start = Clock::now();
    auto page = client_->list(request);
    must(page && page->jobs.size() == 50, "a page of 50");
    times.push_back(seconds_since(start) * 1e3);
    request.before_index = page->next_before_index;
  }
  return median(times);
}

std::uint64_t OurNode::disk_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(data_))
    if (file.is_regular_file() &&
        file.path().filename().string().find("reserve") == std::string::npos)
      bytes += file.file_size();
  return bytes;
}

double OurNode::restart_seconds() {
  stop();
  const auto begin = Clock::now();
  start();
  return seconds_since(begin);
}

}  // namespace troupe::bench
