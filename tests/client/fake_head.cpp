// One file though it is long: its actors share one Memory, and the headers of
// CAF are compiled once for them.
#include "tests/client/fake_head.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <set>
#include <utility>

#include "actors/errors.hpp"
#include "actors/event_hub.hpp"
#include "cluster/messages.hpp"
#include "cluster/network.hpp"
#include "cluster/pki.hpp"
#include "platform/sha256.hpp"

namespace troupe::client {

LogEntry Memory::append(Change change) {
  auto& view = jobs[change.job];
  change.seq = ++view.seq;
  LogEntry entry;
  entry.index = log.size() + 1;
  entry.epoch = 1;
  entry.change = std::move(change);
  log.push_back(entry);
  return entry;
}

LogEntry Memory::end(JobId job) {
  auto& view = jobs[job];
  view.state = JobState::succeeded;
  view.result = R"({"text":"done"})";
  Change change;
  change.type = ChangeType::ended;
  change.job = job;
  change.end = JobEnd{};
  change.end->result = view.result;
  return append(std::move(change));
}

namespace {

class Scheduler {
 public:
  Scheduler(SchedulerActor::pointer self, Memory& memory, EventHubActor hub)
      : self_{self}, memory_{memory}, hub_{std::move(hub)} {}

  SchedulerActor::behavior_type make_behavior() {
    return {
        [this](submit_atom, const SubmitRequest& r) { return submit(r); },
        [this](cancel_atom, const CancelRequest& request) {
          CancelReply reply;
          for (const auto& id : request.jobs) {
            CancelAnswer answer;
            answer.id = id;
            reply.answers.push_back(answer);
          }
          return reply;
        },
        [](control_atom, const ControlRequest&) { return ControlReply{}; },
        [](explain_atom, const ExplainRequest& request) {
          ExplainReply reply;
          reply.job = request.job;
          reply.sentences = {"it waits for a device"};
          return reply;
        },
        [](status_atom) { return ControlReply{}; },
        [](device_atom, const DeviceInfo&, const caf::actor&) {},
        [](ended_atom, const std::vector<AttemptEnd>&) {},
        [](heartbeat_atom, const std::vector<Token>&) {},
        [](drop_atom, const std::vector<ModelDrop>&) {},
        [](note_atom, const std::vector<AttemptNote>&) {},
    };
  }

 private:
  caf::result<SubmitReply> submit(const SubmitRequest& request) {
    std::lock_guard guard{memory_.mutex};
    memory_.submit_sizes.push_back(request.jobs.size());
    if (memory_.submits_to_postpone > 0) {
      --memory_.submits_to_postpone;
      return to_caf({Errc::unavailable, "full", {}, 20});
    }
    SubmitReply reply;
    Committed news;
    for (const auto& spec : request.jobs)
      reply.answers.push_back(take(spec, news));
    if (!news.entries.empty())
      caf::anon_send(hub_, committed_atom_v, std::move(news));
    if (memory_.submits_to_swallow > 0) {
      --memory_.submits_to_swallow;
      unanswered_.push_back(self_->make_response_promise<SubmitReply>());
      return unanswered_.back();
    }
    return reply;
  }

  SubmitAnswer take(const JobSpec& spec, Committed& news) {
    SubmitAnswer answer;
    answer.id = spec.id;
    if (memory_.refusal) {
      answer.error = memory_.refusal;
      return answer;
    }
    answer.existed = memory_.jobs.contains(spec.id);
    if (!answer.existed) {
      ++memory_.accepted;
      memory_.jobs[spec.id].spec = spec;
      Change change;
      change.type = ChangeType::submitted;
      change.job = spec.id;
      change.spec = spec;
      news.entries.push_back(memory_.append(std::move(change)));
      if (memory_.end_at_once) news.entries.push_back(memory_.end(spec.id));
    }
    answer.state = memory_.jobs[spec.id].state;
    return answer;
  }

  SchedulerActor::pointer self_;
  Memory& memory_;
  EventHubActor hub_;
  std::vector<caf::typed_response_promise<SubmitReply>> unanswered_;
};

PullReply read_log(const Memory& memory, const PullRequest& request) {
  PullReply reply;
  reply.next_index =
      std::max<std::uint64_t>(request.after_index, memory.log.size());
  for (const auto& entry : memory.log) {
    if (request.job ? entry.change.job != *request.job ||
                          entry.change.seq <= request.after_seq
                    : entry.index <= request.after_index)
      continue;
    if (request.ends_only && entry.change.type != ChangeType::ended) continue;
    if (reply.entries.size() == request.max_events) {
      reply.next_index = reply.entries.back().index;
      break;
    }
    reply.entries.push_back(entry);
  }
  return reply;
}

HistoryReaderActor spawn_reader(caf::actor_system& sys, Memory& memory) {
  return sys.spawn([&memory]() -> HistoryReaderActor::behavior_type {
    return {
        [&memory](show_atom, const ShowRequest& request) {
          return memory.with([&](const Memory& m) {
            ShowReply reply;
            for (const auto& id : request.jobs) {
              ShowAnswer answer;
              answer.id = id;
              if (const auto it = m.jobs.find(id); it != m.jobs.end())
                answer.job = it->second;
              else
                answer.error = Error{Errc::not_found, "no such job"};
              reply.answers.push_back(std::move(answer));
            }
            return reply;
          });
        },
        [&memory](list_atom, const ListRequest&) {
          return memory.with([](const Memory& m) {
            ListReply reply;
            for (const auto& [id, view] : m.jobs) reply.jobs.push_back(view);
            return reply;
          });
        },
        [&memory](pull_atom, const PullRequest& request) {
          return memory.with(
              [&](const Memory& m) { return read_log(m, request); });
        },
    };
  });
}

class Artifacts {
 public:
  Artifacts(ArtifactsActor::pointer self, Memory& memory)
      : self_{self}, memory_{memory} {}

  ArtifactsActor::behavior_type make_behavior() {
    return {
        [this](upload_atom, const UploadBegin& begin) {
          std::lock_guard guard{memory_.mutex};
          UploadState state;
          if (memory_.artifacts.contains(begin.sha256)) {
            state = {begin.bytes, true};
          } else {
            auto& upload = memory_.uploads[begin.sha256];
            upload.total_bytes = begin.bytes;
            state.offset = upload.bytes.size();
          }
          begun_.insert(begin.sha256);
          memory_.upload_offsets.push_back(state.offset);
          return state;
        },
        [this](upload_atom, const UploadChunk& chunk) { return take(chunk); },
        [this](download_atom, const DownloadChunk& chunk) {
          return give(chunk);
        },
    };
  }

 private:
  caf::result<UploadState> take(const UploadChunk& chunk) {
    std::lock_guard guard{memory_.mutex};
    if (!begun_.contains(chunk.sha256))
      return to_caf({Errc::not_found, "this upload was not begun here"});
    auto& upload = memory_.uploads[chunk.sha256];
    if (upload.bytes.size() >= memory_.upload_stop_bytes) {
      ++memory_.chunks_unanswered;
      unanswered_.push_back(self_->make_response_promise<UploadState>());
      return unanswered_.back();
    }
    if (chunk.offset != upload.bytes.size())
      return to_caf({Errc::stale, "the upload stands elsewhere"});
    upload.bytes += chunk.bytes;
    memory_.uploaded_bytes += chunk.bytes.size();
    UploadState state{upload.bytes.size(), false};
    if (upload.bytes.size() < upload.total_bytes) return state;
    const auto good = platform::sha256_hex(upload.bytes) == chunk.sha256;
    if (good) memory_.artifacts[chunk.sha256] = std::move(upload.bytes);
    memory_.uploads.erase(chunk.sha256);
    if (!good) return to_caf({Errc::corrupt, "the hash is another one"});
    state.complete = true;
    return state;
  }

  caf::result<ChunkReply> give(const DownloadChunk& chunk) {
    std::lock_guard guard{memory_.mutex};
    const auto it = memory_.artifacts.find(chunk.sha256);
    if (it == memory_.artifacts.end())
      return to_caf({Errc::not_found, "no such artifact"});
    ChunkReply reply;
    reply.total_bytes = it->second.size();
    reply.bytes = it->second.substr(
        std::min<std::uint64_t>(chunk.offset, it->second.size()),
        chunk.max_bytes);
    if (memory_.spoil_downloads && !reply.bytes.empty())
      reply.bytes.front() ^= 1;
    return reply;
  }

  ArtifactsActor::pointer self_;
  Memory& memory_;
  std::set<std::string> begun_;  // Gone with the node, as in the real one.
  std::vector<caf::typed_response_promise<UploadState>> unanswered_;
};

ConsoleActor spawn_console(caf::actor_system& sys) {
  return sys.spawn([]() -> ConsoleActor::behavior_type {
    return {
        [](control_atom, const ControlRequest& request) {
          ControlReply reply;
          reply.paused = request.verb == ControlVerb::pause;
          return reply;
        },
        [](status_atom) {
          NodeStatus status;
          status.node = "atelier";
          return status;
        },
        [](backup_atom, const std::string&, const std::string&) {},
    };
  });
}

}  // namespace

class FakeNode {
 public:
  FakeNode(const std::filesystem::path& data, Memory& memory,
           const std::string& store_id, const cluster::SessionLimits& limits)
      : data_{data}, config_{data}, sys_{config_} {
    const auto reader = spawn_reader(sys_, memory);
    EventHubOptions hub_options;
    hub_options.reader = reader;
    hub_options.last_index =
        memory.with([](const Memory& m) { return m.log.size(); });
    hub = spawn_event_hub(sys_, hub_options);
    cluster::GateOptions options;
    options.identify =
        cluster::by_certificate(sys_, cluster::clients_file(data));
    options.handles = {
        sys_.spawn<SchedulerActor::stateful_impl<Scheduler>>(std::ref(memory),
                                                             hub),
        reader, hub,
        sys_.spawn<ArtifactsActor::stateful_impl<Artifacts>>(std::ref(memory)),
        spawn_console(sys_)};
    options.limits = limits;
    options.node = "atelier";
    options.store_id = store_id;
    gate_ = cluster::spawn_gate(sys_, std::move(options));
    auto opened =
        cluster::open_endpoint(sys_, {data, "127.0.0.1", 0, store_id}, gate_);
    EXPECT_TRUE(opened) << opened.error().message;
    if (opened) address_ = *opened;
  }
  ~FakeNode() {
    cluster::close_endpoint(sys_, data_, address_);
    caf::anon_send_exit(gate_, caf::exit_reason::user_shutdown);
    sys_.await_actors_before_shutdown(false);
  }

 private:
  struct NodeConfig : caf::actor_system_config {
    explicit NodeConfig(const std::filesystem::path& data) {
      cluster::NetworkOptions network;
      network.tls = cluster::node_files(data);
      network.threads = 2;
      cluster::configure_network(*this, network);
    }
  };

  std::filesystem::path data_;
  NodeConfig config_;
  caf::actor_system sys_;
  cluster::BoundGate gate_;
  cluster::NodeAddress address_;

 public:
  EventHubActor hub;
};

HeadTest::HeadTest() {
  cluster::init_messages();
  auto made =
      cluster::ensure_identity(data(), "atelier", system_wall_clock().now());
  EXPECT_TRUE(made) << made.error().message;
  start_node();
}

HeadTest::~HeadTest() = default;

void HeadTest::start_node() {
  node_ = std::make_unique<FakeNode>(data(), memory, store_id, limits);
}

void HeadTest::stop_node() {
  node_.reset();
}

Options HeadTest::options() const {
  Options o;
  o.data = data();
  o.backoff_ms = 10;
  o.max_backoff_ms = 100;
  return o;
}

std::unique_ptr<Client> HeadTest::connect(Options options) {
  auto client = Client::connect(std::move(options));
  EXPECT_TRUE(client) << client.error().message;
  return client ? *std::move(client) : nullptr;
}

JobSpec HeadTest::job(const std::string& tag) {
  JobSpec spec;
  spec.kind = "test.echo";
  spec.params = R"({"text":"hello"})";
  if (!tag.empty()) spec.tags = {tag};
  return spec;
}

void HeadTest::commit(std::vector<LogEntry> entries) {
  if (node_)
    caf::anon_send(node_->hub, committed_atom_v, Committed{std::move(entries)});
}

void HeadTest::add_notes(JobId job, int count) {
  commit(memory.with([&](Memory& m) {
    std::vector<LogEntry> entries;
    for (int i = 0; i < count; ++i) {
      Change change;
      change.type = ChangeType::noted;
      change.job = job;
      change.note = Note{};
      entries.push_back(m.append(std::move(change)));
    }
    return entries;
  }));
}

void HeadTest::end_job(JobId job) {
  commit({memory.with([&](Memory& m) { return m.end(job); })});
}

void HeadTest::start_attempt(JobId job) {
  commit({memory.with([&](Memory& m) {
    Change change;
    change.type = ChangeType::started;
    change.job = job;
    change.attempt = 1;
    change.start = Started{};
    return m.append(std::move(change));
  })});
}

void HeadTest::add_live(JobId job, int count) {
  std::vector<LiveEvent> events(static_cast<std::size_t>(count));
  for (auto& event : events) {
    event.job = job;
    event.attempt = 1;
    event.log = LogLine{"stdout", "a line"};
    event.type = LiveType::log;
  }
  caf::anon_send(node_->hub, live_atom_v, std::move(events));
}

}  // namespace troupe::client
