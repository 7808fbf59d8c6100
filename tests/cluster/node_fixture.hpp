// A node with real sockets and real TLS on loopback, behind it actors that
// only remember what reached them; and clients, each an actor system of its
// own with a certificate of its own.
#pragma once

#include <gtest/gtest.h>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/errors.hpp"
#include "cluster/connect.hpp"
#include "cluster/endpoint.hpp"
#include "cluster/gate.hpp"
#include "cluster/network.hpp"
#include "cluster/pki.hpp"
#include "core/clock.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe::cluster {

/// What reached the node's actors. Guarded by its mutex.
struct Seen {
  std::mutex mutex;
  std::vector<SubmitRequest> submits;
  std::vector<CancelRequest> cancels;
  std::vector<ListRequest> lists;
  std::vector<PullRequest> pulls;
  std::vector<ControlRequest> controls;
  std::string stored;  // Bytes of the one upload there is.

  template <class F>
  auto with(F f) {
    std::lock_guard guard{mutex};
    return f(*this);
  }
};

SchedulerActor spawn_fake_scheduler(caf::actor_system& sys, Seen& seen);
HistoryReaderActor spawn_fake_reader(caf::actor_system& sys, Seen& seen);
EventHubActor spawn_fake_hub(caf::actor_system& sys, Seen& seen);
ArtifactsActor spawn_fake_artifacts(caf::actor_system& sys, Seen& seen);
ConsoleActor spawn_fake_console(caf::actor_system& sys, Seen& seen);

struct NetworkConfig : caf::actor_system_config {
  explicit NetworkConfig(const NetworkOptions& options) {
    configure_network(*this, options);
  }
};

/// One process's worth of client.
class TestClient {
 public:
  explicit TestClient(const TlsFiles& files)
      : config_{NetworkOptions{.tls = files, .threads = 1}}, sys{config_} {}

  Result<Seat> take_seat(const NodeAddress& address) {
    return cluster::take_seat(sys, address, 10'000);
  }
  /// Sends a frame, waits for the answer.
  template <class Handle>
  Result<Frame> ask_frame(const Handle& to, Frame frame) {
    caf::scoped_actor self{sys};
    Result<Frame> result = Error{Errc::internal, "no answer"};
    self->request(to, std::chrono::seconds{10}, std::move(frame))
        .receive([&](Frame& x) { result = std::move(x); },
                 [&](caf::error& e) { result = from_caf(e); });
    return result;
  }
  template <class Request, class Handle>
  Result<typename FrameOf<Request>::Reply> ask(const Handle& to,
                                               const Request& request) {
    auto frame = ask_frame(to, request_frame(request));
    if (!frame) return frame.error();
    return read_reply<Request>(*frame);
  }

 private:
  NetworkConfig config_;

 public:
  caf::actor_system sys;
};

class NodeTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { init_network_messages(); }
  void SetUp() override;
  void TearDown() override;

  std::filesystem::path data() const { return dir_.path(); }
  const NodeAddress& address() const { return address_; }
  /// Registered under its own name.
  TlsFiles certificate_of(const std::string& name, const std::string& tenant,
                          Role role);
  std::unique_ptr<TestClient> client_as(const TlsFiles& files) {
    return std::make_unique<TestClient>(files);
  }
  std::unique_ptr<TestClient> admin() { return client_as(admin_files(data())); }
  /// Opens the port for `gate`; 0: any.
  void open(std::uint16_t port);
  BoundGate spawn_gate_of_fakes();
  /// What sessions talk to: the fakes.
  virtual NodeHandles handles();
  /// The one thing every attack must leave true.
  void expect_still_answering();

  SessionLimits limits;  // Set before SetUp of a derived fixture.
  std::uint32_t max_sessions = GateOptions{}.max_sessions;
  std::int64_t silence_ms = 30'000;
  Seen seen;
  std::unique_ptr<NetworkConfig> config_;
  std::unique_ptr<caf::actor_system> node;
  BoundGate gate;

 private:
  platform::TempDir dir_;
  NodeAddress address_;
};

}  // namespace troupe::cluster
