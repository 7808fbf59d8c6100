#include "tests/cluster/node_fixture.hpp"

namespace troupe::cluster {

SchedulerActor spawn_fake_scheduler(caf::actor_system& sys, Seen& seen) {
  auto* to = &seen;
  return sys.spawn([to]() -> SchedulerActor::behavior_type {
    return {
        [to](submit_atom, const SubmitRequest& request) {
          SubmitReply reply;
          for (const auto& job : request.jobs)
            reply.answers.push_back({job.id, JobState::queued, false, {}});
          to->with([&](Seen& s) { s.submits.push_back(request); });
          return reply;
        },
        [to](cancel_atom, const CancelRequest& request) {
          to->with([&](Seen& s) { s.cancels.push_back(request); });
          return CancelReply{};
        },
        [](control_atom, const ControlRequest&) { return ControlReply{}; },
        [](explain_atom, const ExplainRequest& request) {
          ExplainReply reply;
          reply.job = request.job;
          reply.sentences = {request.tenant};
          return reply;
        },
        [](status_atom) { return ControlReply{}; },
        [](device_atom, const DeviceInfo&, const caf::actor&) {},
        [](ended_atom, const std::vector<AttemptEnd>&) {},
        [](heartbeat_atom, const std::vector<Token>&) {},
        [](drop_atom, const std::vector<ModelDrop>&) {},
        [](note_atom, const std::vector<AttemptNote>&) {},
    };
  });
}

HistoryReaderActor spawn_fake_reader(caf::actor_system& sys, Seen& seen) {
  auto* to = &seen;
  return sys.spawn([to]() -> HistoryReaderActor::behavior_type {
    return {
        [](show_atom, const ShowRequest& request) {
          ShowReply reply;  // Every job belongs to the tenant "studio".
          for (const auto& id : request.jobs) {
            JobView view;
            view.spec.id = id;
            view.spec.tenant = "studio";
            reply.answers.push_back({id, view, {}});
          }
          return reply;
        },
        [to](list_atom, const ListRequest& request) {
          to->with([&](Seen& s) { s.lists.push_back(request); });
          ListReply reply;
          if (request.kind == "long") {
            JobView view;
            view.result = std::string(100'000, 'x');
            reply.jobs.push_back(view);
          }
          return reply;
        },
        [](pull_atom, const PullRequest&) { return PullReply{}; },
    };
  });
}

EventHubActor spawn_fake_hub(caf::actor_system& sys, Seen& seen) {
  auto* to = &seen;
  return sys.spawn([to](EventHubActor::pointer self)
                       -> EventHubActor::behavior_type {
    // A pull with a wait is held until something is committed.
    auto open =
        std::make_shared<std::vector<caf::typed_response_promise<PullReply>>>();
    return {
        [=](committed_atom, const Committed&) {
          for (auto& waiting : *open) waiting.deliver(PullReply{});
          open->clear();
        },
        [](live_atom, const std::vector<LiveEvent>&) {},
        [=](pull_atom, const PullRequest& pull) -> caf::result<PullReply> {
          to->with([&](Seen& s) { s.pulls.push_back(pull); });
          if (pull.wait_ms == 0) return PullReply{};
          open->push_back(self->make_response_promise<PullReply>());
          return open->back();
        },
        [](progress_atom, ShowReply& reply) { return std::move(reply); },
    };
  });
}

ArtifactsActor spawn_fake_artifacts(caf::actor_system& sys, Seen& seen) {
  auto* to = &seen;
  return sys.spawn([to]() -> ArtifactsActor::behavior_type {
    return {
        [to](upload_atom, const UploadBegin&) {
          return to->with([](Seen& s) {
            return UploadState{s.stored.size(), false};
          });
        },
        [to](upload_atom,
             const UploadChunk& chunk) -> caf::result<UploadState> {
          return to->with([&](Seen& s) -> caf::result<UploadState> {
            if (chunk.offset != s.stored.size())
              return to_caf({Errc::stale, "wrong offset"});
            s.stored += chunk.bytes;
            return UploadState{s.stored.size(), false};
          });
        },
        [to](download_atom, const DownloadChunk& chunk) {
          return to->with([&](Seen& s) {
            const auto from =
                std::min<std::size_t>(chunk.offset, s.stored.size());
            return ChunkReply{s.stored.substr(from, chunk.max_bytes),
                              s.stored.size()};
          });
        },
    };
  });
}

ConsoleActor spawn_fake_console(caf::actor_system& sys, Seen& seen) {
  auto* to = &seen;
  return sys.spawn([to]() -> ConsoleActor::behavior_type {
    return {
        [to](control_atom, const ControlRequest& request) {
          to->with([&](Seen& s) { s.controls.push_back(request); });
          return ControlReply{};
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

void NodeTest::SetUp() {
  const auto now = system_wall_clock().now();
  ASSERT_TRUE(ensure_identity(data(), "atelier", now));
  const auto checked = check_node_identity(data(), now);
  ASSERT_TRUE(checked) << checked.error().message;
  NetworkOptions network;
  network.tls = node_files(data());
  network.silence_ms = silence_ms;
  network.heartbeat_ms = silence_ms / 4;
  network.threads = 2;
  config_ = std::make_unique<NetworkConfig>(network);
  node = std::make_unique<caf::actor_system>(*config_);
  gate = spawn_gate_of_fakes();
  open(0);
}

NodeHandles NodeTest::handles() {
  return {spawn_fake_scheduler(*node, seen), spawn_fake_reader(*node, seen),
          spawn_fake_hub(*node, seen), spawn_fake_artifacts(*node, seen),
          spawn_fake_console(*node, seen)};
}

BoundGate NodeTest::spawn_gate_of_fakes() {
  GateOptions options;
  options.identify = by_certificate(*node, clients_file(data()));
  options.handles = handles();
  options.limits = limits;
  options.max_sessions = max_sessions;
  options.node = "atelier";
  options.store_id = "store-1";
  return spawn_gate(*node, std::move(options));
}

void NodeTest::open(std::uint16_t port) {
  auto opened =
      open_endpoint(*node, {data(), "127.0.0.1", port, "store-1"}, gate);
  ASSERT_TRUE(opened) << opened.error().message;
  address_ = *opened;
}

void NodeTest::TearDown() {
  if (!node) return;
  close_endpoint(*node, data(), address_);
  caf::anon_send_exit(gate, caf::exit_reason::user_shutdown);
  gate = nullptr;
  // The fakes have no other references than the gate's: they end with it.
  node.reset();
}

TlsFiles NodeTest::certificate_of(const std::string& name,
                                  const std::string& tenant, Role role) {
  auto issued =
      issue_client(data(), {name, tenant, role}, system_wall_clock().now());
  EXPECT_TRUE(issued) << issued.error().message;
  return issued->files;
}

void NodeTest::expect_still_answering() {
  auto client = admin();
  auto seat = client->take_seat(address());
  ASSERT_TRUE(seat) << seat.error().message;
  auto status = client->ask(seat->session, StatusRequest{});
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->node, "atelier");
}

}  // namespace troupe::cluster
