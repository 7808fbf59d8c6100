#include "bench/jobs/one_way.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/openssl/publish.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <string>

#include "cluster/connect.hpp"
#include "cluster/messages.hpp"
#include "cluster/network.hpp"
#include "cluster/pki.hpp"

namespace troupe::bench {
namespace {

using Clock = std::chrono::steady_clock;

// Frames under way at most, and how often the client says how far it is:
// enough to keep the wire full, too few to fill a buffer to its limit.
constexpr int kWindow = 20'000;
constexpr int kAck = 2'000;

// The source is asked by frames: "begin" (bytes: the whole as text, a blank,
// the size of one) and "more" (so many may go out).
caf::behavior source(caf::event_based_actor* self) {
  struct State {
    caf::actor to;
    std::string payload;
    int left = 0;
    void send(caf::event_based_actor* self, int most) {
      for (; most > 0 && left > 0; --most, --left)
        self->send(to, Frame{1, "pull.ok", payload});
    }
  };
  auto state = std::make_shared<State>();
  self->set_default_handler(caf::drop);
  return {[self, state](Frame& frame) {
    if (frame.type == "begin") {
      state->to = caf::actor_cast<caf::actor>(self->current_sender());
      const auto blank = frame.bytes.find(' ');
      state->left = std::stoi(frame.bytes);
      state->payload.assign(std::stoul(frame.bytes.substr(blank)), 'x');
      state->send(self, kWindow);
    } else {
      state->send(self, kAck);
    }
  }};
}

struct Sink {
  std::mutex mutex;
  std::condition_variable done;
  bool complete = false;
  Clock::time_point first, last;
};

struct NetConfig : caf::actor_system_config {
  explicit NetConfig(const cluster::TlsFiles& files) {
    cluster::configure_network(*this, {.tls = files, .threads = 1});
  }
};

struct Child {
  pid_t pid = -1;
  int port = 0;
  ~Child() {
    if (pid <= 0) return;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
};

void start(Child& child, const std::filesystem::path& data) {
  int out[2];
  if (::pipe(out) != 0) throw std::runtime_error("one way: no pipe");
  child.pid = ::fork();
  if (child.pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(out[1], 1);
    ::execl("/proc/self/exe", "bench_jobs", "--one-way-source", data.c_str(),
            static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(out[1]);
  char text[32] = {};
  const auto got = ::read(out[0], text, sizeof text - 1);
  ::close(out[0]);
  child.port = got > 0 ? std::atoi(text) : 0;
  if (child.port == 0) throw std::runtime_error("one way: no source");
}

}  // namespace

int run_one_way_source(const std::filesystem::path& data) {
  cluster::init_messages();
  cluster::init_network_messages();
  NetConfig cfg{cluster::node_files(data)};
  caf::actor_system sys{cfg};
  auto actor = sys.spawn(source);
  auto port = caf::openssl::publish(
      sys, caf::actor_cast<caf::strong_actor_ptr>(actor),
      sys.message_types<GateActor>(), 0, "127.0.0.1", true);
  if (!port) return 1;
  std::printf("%d\n", int(*port));
  std::fflush(stdout);
  while (true) ::pause();
}

double one_way_frames(const std::filesystem::path& data, int count, int bytes) {
  Child child;
  start(child, data);
  cluster::init_messages();
  cluster::init_network_messages();
  NetConfig cfg{cluster::admin_files(data)};
  caf::actor_system sys{cfg};
  cluster::NodeAddress address;
  address.host = "127.0.0.1";
  address.port = static_cast<std::uint16_t>(child.port);
  auto gate = cluster::connect_gate(sys, address, 10'000);
  if (!gate) throw std::runtime_error("one way: " + gate.error().message);
  Sink sink;
  auto to = caf::actor_cast<caf::actor>(*gate);
  auto receiver = sys.spawn([&sink, to, count, bytes](
                                caf::event_based_actor* self) -> caf::behavior {
    self->send(to, Frame{1, "begin",
                         std::to_string(count) + " " + std::to_string(bytes)});
    auto seen = std::make_shared<int>(0);
    return {[self, &sink, to, seen, count](const Frame&) {
      if (++*seen == 1) sink.first = Clock::now();
      if (*seen % kAck == 0) self->send(to, Frame{1, "more", ""});
      if (*seen < count) return;
      std::lock_guard lock{sink.mutex};
      sink.last = Clock::now();
      sink.complete = true;
      sink.done.notify_one();
      self->quit();
    }};
  });
  std::unique_lock lock{sink.mutex};
  const bool done = sink.done.wait_for(lock, std::chrono::seconds{60},
                                       [&] { return sink.complete; });
  lock.unlock();
  if (!done) {
    caf::anon_send_exit(receiver, caf::exit_reason::kill);
    throw std::runtime_error("one way: the frames did not come in a minute");
  }
  return count / std::chrono::duration<double>(sink.last - sink.first).count();
}

}  // namespace troupe::bench
