#include "bench/jobs/redis_peer.hpp"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <stdexcept>
#include <thread>

#include "bench/jobs/load.hpp"
#include "bench/support/process_cost.hpp"

namespace troupe::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr const char* kSubmit =
    "redis.call('HSET','job:'..ARGV[1],'kind','noop','tenant','bench',"
    "'priority','normal','submitted_ms',ARGV[3],'params',ARGV[2],"
    "'state','queued') redis.call('LPUSH','queue',ARGV[1]) return 1";
constexpr const char* kTake =
    "local id=redis.call('RPOPLPUSH','queue','active') if not id then return "
    "false end redis.call('HSET','job:'..id,'state','running','started_ms',"
    "ARGV[1]) return {id,redis.call('HGET','job:'..id,'params')}";
constexpr const char* kFinish =
    "redis.call('HSET','job:'..ARGV[1],'state','succeeded','result','{}',"
    "'ended_ms',ARGV[2]) redis.call('LREM','active',1,ARGV[1]) "
    "redis.call('ZADD','completed',ARGV[2],ARGV[1]) "
    "redis.call('PUBLISH','done',ARGV[1]) return 1";

struct FreeReply {
  void operator()(redisReply* r) const { freeReplyObject(r); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

class Connection {
 public:
  explicit Connection(int port) : ctx_{redisConnect("127.0.0.1", port)} {
    if (!ctx_ || ctx_->err) {
      if (ctx_) redisFree(ctx_);
      throw std::runtime_error("redis-server does not answer");
    }
  }
  ~Connection() { redisFree(ctx_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  template <class... Args>
  void append(const char* format, Args... args) {
    redisAppendCommand(ctx_, format, args...);
  }
  Reply next() {
    void* r = nullptr;
    if (redisGetReply(ctx_, &r) != REDIS_OK || !r)
      throw std::runtime_error("redis connection lost");
    Reply reply{static_cast<redisReply*>(r)};
    if (reply->type == REDIS_REPLY_ERROR)
      throw std::runtime_error(std::string("redis: ") + reply->str);
    return reply;
  }
  template <class... Args>
  Reply call(const char* format, Args... args) {
    append(format, args...);
    return next();
  }

 private:
  redisContext* ctx_;
};

std::string id_of(int i) {
  char text[32];
  std::snprintf(text, sizeof text, "01J%023d", i);  // As long as a ULID.
  return text;
}

// Keeps `workers` jobs at work over one connection: take, then finish.
void work(int port, const std::string& take, const std::string& finish,
          int workers, const std::atomic<bool>& stop) {
  Connection redis{port};
  std::deque<bool> is_take;  // Of each unanswered command, in order.
  const auto ask = [&] {
    redis.append("EVALSHA %s 0 %s", take.c_str(), "1700000000000");
    is_take.push_back(true);
  };
  for (int i = 0; i < workers; ++i) ask();
  while (!is_take.empty()) {
    auto reply = redis.next();
    const bool took = is_take.front();
    is_take.pop_front();
    if (took && reply->type == REDIS_REPLY_ARRAY) {
      redis.append("EVALSHA %s 0 %s %s", finish.c_str(), reply->element[0]->str,
                   "1700000000001");
      is_take.push_back(false);
    } else if (!stop) {
      if (took) std::this_thread::sleep_for(std::chrono::microseconds(50));
      ask();
    }
  }
}

}  // namespace

RedisPeer::RedisPeer(const std::filesystem::path& dir) : dir_{dir} {
  std::filesystem::create_directories(dir_);
  port_ = 20000 + ::getpid() % 20000;
  start();
}

RedisPeer::~RedisPeer() {
  stop();
}

void RedisPeer::start() {
  pid_ = ::fork();
  if (pid_ == 0) {
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, 1);
    ::dup2(null, 2);
    const auto port = std::to_string(port_);
    ::execlp("redis-server", "redis-server", "--port", port.c_str(), "--bind",
             "127.0.0.1", "--dir", dir_.c_str(), "--appendonly", "yes",
             "--appendfsync", "always", "--save", "", "--daemonize", "no",
             static_cast<char*>(nullptr));
    ::_exit(127);
  }
  const auto start = Clock::now();
  while (true) {
    try {
      Connection redis{port_};
      redis.call("PING");
      submit_sha_ = redis.call("SCRIPT LOAD %s", kSubmit)->str;
      take_sha_ = redis.call("SCRIPT LOAD %s", kTake)->str;
      finish_sha_ = redis.call("SCRIPT LOAD %s", kFinish)->str;
      return;
    } catch (const std::exception&) {
      if (seconds_since(start) > 60)
        throw std::runtime_error(
            "redis-server did not start: is it installed?");
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
}

void RedisPeer::stop() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisPeer::flush_all() {
  Connection redis{port_};
  redis.call("FLUSHALL");
}

double RedisPeer::submits(int in_flight, int count) {
  static const auto params = payloads(4096);
  Connection redis{port_};
  const auto start = Clock::now();
  int sent = 0, answered = 0;
  while (answered < count) {
    while (sent < count && sent - answered < in_flight) {
      const auto id = id_of(sent);
      redis.append(
          "EVALSHA %s 0 %s %s %s", submit_sha_.c_str(), id.c_str(),
          params[static_cast<std::size_t>(sent) % params.size()].c_str(),
          "1700000000000");
      ++sent;
    }
    redis.next();
    ++answered;
  }
  return count / seconds_since(start);
}

PeerRun RedisPeer::jobs(int workers, int count) {
  static const auto params = payloads(4096);
  std::atomic<bool> stop{false};
  std::atomic<int> completed{0};
  Connection listener_conn{port_};
  listener_conn.call("SUBSCRIBE %s", "done");
  const double cpu = cpu_seconds(::getpid()) + cpu_seconds(pid_);
  const auto start = Clock::now();
  std::thread worker(
      [&] { work(port_, take_sha_, finish_sha_, workers, stop); });
  std::thread listener([&] {
    while (completed < count) {
      listener_conn.next();
      ++completed;
    }
  });
  Connection redis{port_};
  int sent = 0, answered = 0;
  while (answered < count) {
    while (sent < count && sent - answered < kInFlight &&
           sent - completed < kMaxWaiting) {
      const auto id = id_of(sent);
      redis.append(
          "EVALSHA %s 0 %s %s %s", submit_sha_.c_str(), id.c_str(),
          params[static_cast<std::size_t>(sent) % params.size()].c_str(),
          "1700000000000");
      ++sent;
    }
    if (sent > answered) {
      redis.next();
      ++answered;
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }
  listener.join();
  PeerRun run;
  const double seconds = seconds_since(start);
  run.jobs_per_s = count / seconds;
  run.cpu_us_per_job =
      (cpu_seconds(::getpid()) + cpu_seconds(pid_) - cpu) * 1e6 / count;
  stop = true;
  worker.join();
  return run;
}

PeerRun RedisPeer::closed_loop(int count, double rate) {
  static const auto params = payloads(4096);
  std::atomic<bool> stop{false};
  Connection listener{port_};
  listener.call("SUBSCRIBE %s", "done");
  std::thread worker([&] { work(port_, take_sha_, finish_sha_, 1, stop); });
  Connection redis{port_};
  PeerRun run;
  const auto start = Clock::now();
  for (int i = 0; i < count; ++i) {
    auto begin = Clock::now();
    if (rate > 0) {
      const auto due = start + std::chrono::duration_cast<Clock::duration>(
                                   std::chrono::duration<double>(i / rate));
      std::this_thread::sleep_until(due);
      begin = due;  // Waiting because we are late counts.
    }
    const auto id = id_of(i);
    redis.call("EVALSHA %s 0 %s %s %s", submit_sha_.c_str(), id.c_str(),
               params[static_cast<std::size_t>(i) % params.size()].c_str(),
               "1700000000000");
    listener.next();
    run.latencies_ms.push_back(seconds_since(begin) * 1e3);
  }
  run.jobs_per_s = count / seconds_since(start);
  stop = true;
  worker.join();
  return run;
}

std::uint64_t RedisPeer::disk_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(dir_))
    if (file.is_regular_file()) bytes += file.file_size();
  return bytes;
}

double RedisPeer::restart_seconds() {
  stop();
  const auto begin = Clock::now();
  start();
  Connection redis{port_};
  while (redis.call("LLEN queue")->type != REDIS_REPLY_INTEGER) {
  }
  return seconds_since(begin);
}

}  // namespace troupe::bench
