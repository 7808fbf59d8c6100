#include "apps/node.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <future>
#include <iostream>
#include <thread>

#include "actors/errors.hpp"
#include "apps/beside_us.hpp"
#include "apps/exit_codes.hpp"
#include "apps/local_artifacts.hpp"
#include "apps/model_names.hpp"
#include "apps/node_children.hpp"
#include "apps/node_devices.hpp"
#include "apps/own_node.hpp"
#include "apps/store_mark.hpp"
#include "cluster/messages.hpp"
#include "cluster/network.hpp"
#include "cluster/pki.hpp"
#include "connectors/process/attempts.hpp"
#include "core/build_info.hpp"
#include "platform/file.hpp"
#include "platform/folder_lock.hpp"
#include "platform/leftovers.hpp"
#include "platform/listen.hpp"
#include "platform/spawn.hpp"

namespace troupe {
namespace {

// Told to the waiting main thread: the supervisor gave up; all children run.
constexpr int kGaveUp = SIGUSR1;
constexpr int kIsUp = SIGUSR2;

// For all of a stop but what running jobs are given.
constexpr std::int64_t kStopMs = 30'000;
// timeout(1) and some terminals signal the process and its group: that is once.
constexpr std::int64_t kOneSignalMs = 1'000;

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT, kGaveUp}) sigaddset(&set, s);
  return set;
}

sigset_t awaited_signals() {
  auto set = ending_signals();
  sigaddset(&set, kIsUp);
  return set;
}

int await_signal() {
  const auto signals = awaited_signals();
  int got = 0;
  while (::sigwait(&signals, &got) != 0) {
  }
  return got;
}

// What is acknowledged is durable at every moment, so a stop may be cut short:
// by a second signal, or when something does not end. The next start takes up
// what was left, as after a power cut. Ends with the process.
void bound_the_stop(std::int64_t most_ms) {
  std::thread{[most_ms] {
    const auto signals = ending_signals();
    const auto begin = system_steady_clock().now();
    for (;;) {
      const auto been = system_steady_clock().now() - begin;
      const auto left = std::max<std::int64_t>(most_ms - been, 0);
      const timespec wait{.tv_sec = left / 1'000,
                          .tv_nsec = left % 1'000 * 1'000'000};
      const int got = ::sigtimedwait(&signals, nullptr, &wait);
      if (got < 0 && errno == EAGAIN) break;
      if (got < 0 || system_steady_clock().now() - begin < kOneSignalMs)
        continue;
      std::cerr << "troupe: told twice; ending at once" << std::endl;
      ::_exit(static_cast<int>(ExitCode::interrupted));
    }
    std::cerr << "troupe: the stop takes longer than " << most_ms / 1'000
              << " s; ending at once" << std::endl;
    ::_exit(static_cast<int>(ExitCode::broken));
  }}.detach();
}

// What becomes of the node, for whoever reads its standard error.
void say(const std::string& line) {
  std::cerr << "troupe node: " + line + "\n" << std::flush;
}

StoreOptions store_options(const StoreConfig& c) {
  StoreOptions options;
  options.cache_bytes = static_cast<std::uint64_t>(c.block_cache_bytes);
  options.log_buffer_bytes = static_cast<std::uint64_t>(c.write_buffer_bytes);
  options.low_water_bytes = static_cast<std::uint64_t>(c.low_water_bytes);
  options.reserve_bytes = static_cast<std::uint64_t>(c.reserve_bytes);
  options.tell = &say;
  return options;
}

ArtifactOptions artifact_options(const Config& c, JobStore& store) {
  ArtifactOptions options;
  options.max_bytes = static_cast<std::uint64_t>(c.artifact.max_bytes);
  options.low_water_bytes = static_cast<std::uint64_t>(c.store.low_water_bytes);
  options.make_room = [&store] { store.give_up_reserve(); };
  return options;
}

// The supervisor's start and its end wake the main thread.
void watch(caf::actor_system& sys, const SupervisorActor& supervisor,
           std::string& why) {
  sys.spawn([&why, supervisor](caf::event_based_actor* self) -> caf::behavior {
    self->set_down_handler([self, &why](const caf::down_msg& down) {
      if (down.reason && down.reason != caf::exit_reason::user_shutdown) {
        why = from_caf(down.reason).message;
        ::kill(::getpid(), kGaveUp);
      }
      self->quit();
    });
    self->monitor(supervisor);
    self->request(supervisor, caf::infinite, barrier_atom_v)
        .then([] { ::kill(::getpid(), kIsUp); },
              [](caf::error&) {});  // Its end is told of above.
    return {[](step_atom) {}};
  });
}

Status start_and_wait(NodeParts& parts, const NodeOptions& options) {
  std::string gave_up;  // Written before kGaveUp is raised.
  auto supervisor = spawn_supervisor(
      parts.sys,
      {.children = node_children(parts),
       .limits = {.intensity = static_cast<std::uint32_t>(
                      parts.config.supervisor.intensity),
                  .period_ms = parts.config.supervisor.period_ms,
                  .backoff_ms = parts.config.supervisor.backoff_ms,
                  .max_backoff_ms = parts.config.supervisor.max_backoff_ms},
       .tell = parts.notice});
  watch(parts.sys, supervisor, gave_up);
  caf::scoped_actor self{parts.sys};
  Status stopped = ok();
  auto got = await_signal();
  if (got == kIsUp) {
    if (options.ready)
      options.ready("listening on " + parts.address.host + ":" +
                    std::to_string(parts.address.port));
    got = await_signal();
  }
  if (got == kGaveUp) return Error{Errc::internal, gave_up};
  bound_the_stop(parts.config.node.stop_grace_ms + kStopMs);
  if (parts.address.port != 0)
    cluster::close_endpoint(parts.sys, parts.data, parts.address);
  self->request(supervisor, std::chrono::minutes(5), stop_atom_v)
      .receive([] {}, [&](caf::error& e) { stopped = from_caf(e); });
  return stopped;
}

// Everything of CAF that is not the network.
struct ActorSystemConfig : caf::actor_system_config {
  ActorSystemConfig() { set("caf.scheduler.policy", "sharing"); }
};

// What processes that were killed left of files they were writing, in every
// folder below the data folder where files are written so. artifacts/temporary
// is emptied by its store.
void sweep(const std::filesystem::path& data) {
  for (const auto* folder : {"", "tls", "tls/clients", "store", "store/db",
                             "artifacts", "artifacts/uploads"})
    platform::remove_leftovers(data / folder);
}

// What was lost is not begun anew in silence.
Status check_store_is_there(const std::filesystem::path& data) {
  if (auto there = check_store_mark(data); !there) return there;
  if (cluster::has_identity(data) && !has_store(data))
    say(data.string() +
        " holds certificates and no store: an empty history begins");
  return ok();
}

}  // namespace

Status run_node(const NodeOptions& options) {
  // Before any thread is made: all of them inherit it.
  const auto signals = awaited_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  // Nobody else reads what a node writes, whoever creates the file. Before
  // any file is made; commands of jobs get the inherited one back.
  const auto inherited_umask = ::umask(0077);
  // What a killed guard leaves behind comes to this process.
  if (auto adopts = platform::adopt_orphans(); !adopts) return adopts;

  const auto now = system_wall_clock().now();
  const auto name = options.config.node.name.empty() ? platform::host_name()
                                                     : options.config.node.name;
  if (auto made = platform::make_dirs(options.data); !made) return made;
  auto lock = platform::FolderLock::acquire(options.data, "lock", 1'000);
  if (!lock) return lock.error();
  sweep(options.data);
  if (auto marked = OwnNode::mark(options.data, options.leaves_with_starter);
      !marked)
    return marked;
  if (options.leaves_with_starter)
    if (auto log = OwnNode::take_log(options.data); !log) return log;
  const auto& node = options.config.node;
  if (auto free = cluster::check_endpoint(
          {.data = options.data,
           .host = node.listen,
           .port = static_cast<std::uint16_t>(node.port)});
      !free)
    return free;
  if (auto there = check_store_is_there(options.data); !there) return there;
  // A process starts and a driver wakes up beside what the disk takes.
  auto searching = std::async(std::launch::async, [&node] {
    return find_gpus(node, GpuSearch::here());
  });
  auto store = JobStore::open(options.data / "store",
                              store_options(options.config.store), now);
  if (!store) return store.error();
  auto files = ArtifactStore::open(options.data / "artifacts",
                                   artifact_options(options.config, **store));
  if (!files) return files.error();
  if (auto marked = mark_store(options.data, (*store)->store_id()); !marked)
    return marked;
  if (auto tls = cluster::ensure_identity(options.data, name, now); !tls)
    return tls;
  if (auto tls = cluster::check_node_identity(options.data, now); !tls)
    return tls;
  auto cpu = cpu_device(options.config.node);
  if (!cpu) return cpu.error();
  auto found = searching.get();
  if (!found.expected) say("GPUs: " + found.why_not);

  cluster::init_messages();
  ActorSystemConfig cfg;
  // What blocks (the disk, child processes, devices) has threads of its own.
  // The rest share few: handing a message from thread to thread costs more
  // than most of them do with it.
  cluster::configure_network(
      cfg,
      {.tls = cluster::node_files(options.data),
       .threads = static_cast<std::uint32_t>(options.config.node.actor_threads),
       .read_in_place = true});
  caf::actor_system sys{cfg};
  NodeParts parts{.sys = sys,
                  .data = options.data,
                  .config = options.config,
                  .name = name,
                  .build = "troupe " + std::string(build_version()) + " (" +
                           std::string(build_commit()) + ")",
                  .store = **store,
                  .files = **files,
                  .access = std::make_shared<LocalArtifacts>(**files),
                  .cpu = *std::move(cpu),
                  .gpus = std::move(found.gpus),
                  .guard = beside_us("troupe-guard"),
                  .device_program = beside_us("troupe-device"),
                  .cuda_program = beside_us(kCudaProgram),
                  .models = model_places(options.data),
                  .environment = own_environment(),
                  .umask = inherited_umask,
                  .notice = &say,
                  .address = {}};
  return start_and_wait(parts, options);
}

}  // namespace troupe
