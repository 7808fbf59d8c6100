#include "cluster/session.hpp"

#include <caf/actor_cast.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <chrono>
#include <unordered_map>
#include <utility>

#include "actors/errors.hpp"
#include "cluster/access.hpp"
#include "cluster/frames.hpp"
#include "cluster/worker_frames.hpp"
#include "cluster/worker_seat.hpp"

namespace troupe::cluster {
namespace {

/// What a chunk's frame may hold besides the chunk.
constexpr std::size_t kChunkMargin = 1024;

std::size_t frame_limit(std::string_view type) {
  return type.ends_with(".chunk") || type.ends_with(".chunk.ok")
             ? kMaxChunkBytes + kChunkMargin
             : kMaxFrameBytes;
}

Error too_long(std::string_view what, std::size_t bytes, std::size_t limit) {
  return {Errc::too_large, std::string(what) + " of " + std::to_string(bytes) +
                               " bytes is over the limit of " +
                               std::to_string(limit) +
                               "; ask for less at a time"};
}

struct SessionState {
  static inline const char* name = "troupe.session";

  SessionState(BoundSession::pointer self, SessionOptions options)
      : self_{self}, options_{std::move(options)} {}

  BoundSession::behavior_type make_behavior() {
    // A peer's odd messages are neither answered nor printed.
    self_->set_default_handler(caf::drop);
    self_->set_node_down_handler(
        [this](caf::node_down_msg&) { self_->quit(); });
    // A restarted gate does not know its old sessions: clients come again. A
    // worker that was given up does so too.
    self_->set_down_handler([this](caf::down_msg&) { self_->quit(); });
    self_->set_exit_handler([this](caf::exit_msg& exit) { end(exit.reason); });
    if (options_.gate) self_->monitor(options_.gate);
    if (options_.client != self_->system().node())
      self_->monitor(options_.client);
    return {
        [this](Frame& frame) { return on_frame(frame); },
        [this](bind_atom, const std::string& child, const caf::actor& handle) {
          if (from_client()) return;
          rebind(options_.handles, child, handle);
          if (worker_) self_->send(worker_, bind_atom_v, child, handle);
        },
    };
  }

 private:
  // -- what every frame passes through ----------------------------------------

  bool from_client() const {
    const auto sender = self_->current_sender();
    return sender && sender->node() == options_.client;
  }

  caf::result<Frame> on_frame(Frame& frame) {
    if (!from_client())
      return error_frame({Errc::denied, "this session is another client's"});
    if (frame.type == FrameOf<Hello>::name) return on_hello(frame);
    if (auto good = admit(frame); !good) return error_frame(good.error());
    return dispatch(frame);
  }

  Status admit(const Frame& frame) const {
    if (frame.protocol != protocol_)
      return Error{Errc::unsupported,
                   "this session speaks version " + std::to_string(protocol_) +
                       " of the protocol, the frame is of version " +
                       std::to_string(frame.protocol)};
    if (frame.bytes.size() > frame_limit(frame.type))
      return too_long("a frame", frame.bytes.size(), frame_limit(frame.type));
    if (auto good = may_send(options_.principal.role, frame.type); !good)
      return good;
    if (open_.size() >= options_.limits.window_frames) return beyond_window();
    return ok();
  }

  Error beyond_window() const {
    return {Errc::unavailable,
            "too many requests of this client are unanswered; wait for some",
            {},
            options_.limits.retry_after_ms};
  }

  caf::result<Frame> on_hello(const Frame& frame) {
    auto hello = read_request<Hello>(frame);
    if (!hello) return error_frame(hello.error());
    if (hello->protocol_min > kProtocolMax ||
        hello->protocol_max < kProtocolMin)
      return error_frame(
          {Errc::unsupported, "this node speaks versions " +
                                  std::to_string(kProtocolMin) + " to " +
                                  std::to_string(kProtocolMax) +
                                  " of the protocol, the client " +
                                  std::to_string(hello->protocol_min) + " to " +
                                  std::to_string(hello->protocol_max)});
    protocol_ = std::min(hello->protocol_max, kProtocolMax);
    HelloReply reply;
    reply.protocol = protocol_;
    reply.build = options_.build;
    reply.node = options_.node;
    reply.store_id = options_.store_id;
    reply.principal = options_.principal;
    reply.window_jobs = options_.limits.window_jobs;
    return reply_frame<Hello>(reply);
  }

  // -- one line per type
  // -------------------------------------------------------

  caf::result<Frame> dispatch(Frame& frame) {
    const auto& to = options_.handles;
    if (frame.type == FrameOf<SubmitRequest>::name) return submit(frame);
    if (frame.type == FrameOf<ShowRequest>::name) return show(frame);
    if (frame.type == FrameOf<ListRequest>::name)
      return pass_stamped<ListRequest>(frame, to.reader, list_atom_v);
    if (frame.type == FrameOf<PullRequest>::name) return pull(frame);
    if (frame.type == FrameOf<CancelRequest>::name)
      return pass_stamped<CancelRequest>(frame, to.scheduler, cancel_atom_v);
    if (frame.type == FrameOf<ExplainRequest>::name)
      return pass_stamped<ExplainRequest>(frame, to.scheduler, explain_atom_v);
    if (frame.type == FrameOf<ControlRequest>::name)
      return pass_stamped<ControlRequest>(frame, to.console, control_atom_v);
    if (frame.type == FrameOf<StatusRequest>::name)
      return ask<StatusRequest>(to.console, timeout(), status_atom_v);
    if (frame.type == FrameOf<BackupRequest>::name) return backup(frame);
    if (frame.type == FrameOf<UploadBegin>::name)
      return pass<UploadBegin>(frame, to.artifacts, upload_atom_v);
    if (frame.type == FrameOf<UploadChunk>::name)
      return pass<UploadChunk>(frame, to.artifacts, upload_atom_v);
    if (frame.type == FrameOf<DownloadChunk>::name)
      return pass<DownloadChunk>(frame, to.artifacts, download_atom_v);
    if (frame.type == FrameOf<WorkerHello>::name ||
        frame.type == FrameOf<WorkerExchange>::name)
      return worker(std::move(frame));
    return error_frame(
        {Errc::internal, "no way to send \"" + frame.type + '"'});
  }

  caf::result<Frame> submit(const Frame& frame) {
    auto request = read_request<SubmitRequest>(frame);
    if (!request) return error_frame(request.error());
    const auto count = static_cast<std::uint32_t>(request->jobs.size());
    if (jobs_ + count > options_.limits.window_jobs)
      return error_frame(beyond_window());
    stamp(options_.principal, *request);
    const auto models = models_to_hide(options_.principal, *request);
    jobs_ += count;
    const auto n = open();
    self_
        ->request(options_.handles.scheduler, caf::infinite, submit_atom_v,
                  *std::move(request))
        .then(
            [this, n, count, models](SubmitReply& reply) {
              jobs_ -= count;
              hide_folders(models, reply);
              close(n, to_frame<SubmitRequest>(reply));
            },
            [this, n, count](caf::error& e) {
              jobs_ -= count;
              close(n, error_frame(from_caf(e)));
            });
    return open_.at(n);
  }

  // The store knows the state, the hub the phase and progress of what runs.
  caf::result<Frame> show(const Frame& frame) {
    auto request = read_request<ShowRequest>(frame);
    if (!request) return error_frame(request.error());
    const auto n = open();
    auto failed = [this, n](caf::error& e) {
      close(n, error_frame(from_caf(e)));
    };
    auto complete = [this, n](ShowReply& reply) {
      close(n, to_frame<ShowRequest>(reply));
    };
    self_
        ->request(options_.handles.reader, timeout(), show_atom_v,
                  *std::move(request))
        .then(
            [this, complete, failed](ShowReply& reply) {
              self_
                  ->request(options_.handles.hub, timeout(), progress_atom_v,
                            std::move(reply))
                  .then(complete, failed);
            },
            failed);
    return open_.at(n);
  }

  caf::result<Frame> pull(const Frame& frame) {
    auto request = read_request<PullRequest>(frame);
    if (!request) return error_frame(request.error());
    if (pulls_ >= options_.limits.window_pulls)
      return error_frame(beyond_window());
    stamp(options_.principal, *request);
    request->wait_ms = std::clamp<std::int64_t>(request->wait_ms, 0,
                                                options_.limits.max_wait_ms);
    request->max_events =
        std::min(request->max_events, options_.limits.max_events);
    request->max_bytes = std::min<std::uint32_t>(request->max_bytes, 48 * 1024);
    ++pulls_;
    return ask_then<PullRequest>([this] { --pulls_; }, options_.handles.hub,
                                 caf::infinite, pull_atom_v,
                                 *std::move(request));
  }

  caf::result<Frame> backup(const Frame& frame) {
    auto request = read_request<BackupRequest>(frame);
    if (!request) return error_frame(request.error());
    const auto n = open();
    self_
        ->request(options_.handles.console,
                  std::chrono::milliseconds{options_.limits.backup_timeout_ms},
                  backup_atom_v, std::move(request->folder),
                  options_.principal.name)
        .then(
            [this, n] { close(n, reply_frame<BackupRequest>(BackupReply{})); },
            [this, n](caf::error& e) { close(n, error_frame(from_caf(e))); });
    return open_.at(n);
  }

  // The seat answers itself when it has work to hand out.
  caf::result<Frame> worker(Frame frame) {
    if (!worker_) {
      if (frame.type != FrameOf<WorkerHello>::name)
        return error_frame({Errc::stale,
                            "say \"worker.hello\" first: nothing is known here "
                            "of what this worker runs"});
      worker_ = spawn_worker_seat(
          self_->system(), {.worker = options_.principal.name,
                            .scheduler = options_.handles.scheduler,
                            .hub = options_.handles.hub,
                            .session = self_->address(),
                            .heartbeat_ms = options_.limits.worker_heartbeat_ms,
                            .silence_ms = options_.limits.worker_silence_ms});
      self_->monitor(worker_);
    }
    const auto n = open();
    const auto wait = timeout() + std::chrono::milliseconds{
                                      options_.limits.worker_silence_ms};
    self_->request(worker_, wait, std::move(frame))
        .then([this, n](Frame& answer) { close(n, std::move(answer)); },
              [this, n](caf::error& e) { close(n, error_frame(from_caf(e))); });
    return open_.at(n);
  }

  // -- asking the node's actors
  // ------------------------------------------------

  using Promise = caf::typed_response_promise<Frame>;

  // What runs often asks without a timeout, whose timer would wake a thread:
  // these actors are of this process, so that one that ends answers all.
  std::chrono::milliseconds timeout() const {
    return std::chrono::milliseconds{options_.limits.request_timeout_ms};
  }

  /// The number of the request at hand, until it is closed.
  std::uint64_t open() {
    open_.emplace(++opened_, self_->make_response_promise<Frame>());
    return opened_;
  }

  void close(std::uint64_t n, Frame frame) {
    auto request = open_.extract(n);
    if (const auto limit = frame_limit(frame.type); frame.bytes.size() > limit)
      frame = error_frame(too_long("the answer", frame.bytes.size(), limit));
    request.mapped().deliver(std::move(frame));
  }

  // Whoever is shut out hears why; what the node does with their requests is
  // not waited for.
  void end(const caf::error& why) {
    if (why.category() == caf::type_id_v<Errc>)
      for (auto& [n, promise] : open_)
        promise.deliver(error_frame(from_caf(why)));
    self_->quit();
  }

  template <class Request, class Done, class Handle, class... Args>
  caf::result<Frame> ask_then(Done done, const Handle& to, caf::timespan wait,
                              Args&&... args) {
    using Reply = typename FrameOf<Request>::Reply;
    const auto n = open();
    self_->request(to, wait, std::forward<Args>(args)...)
        .then(
            [this, n, done](Reply& reply) mutable {
              done();
              close(n, to_frame<Request>(reply));
            },
            [this, n, done](caf::error& e) mutable {
              done();
              close(n, error_frame(from_caf(e)));
            });
    return open_.at(n);
  }

  template <class Request, class Handle, class... Args>
  caf::result<Frame> ask(const Handle& to, caf::timespan wait, Args&&... args) {
    return ask_then<Request>([] {}, to, wait, std::forward<Args>(args)...);
  }

  template <class Request, class Handle, class Atom>
  caf::result<Frame> pass(const Frame& frame, const Handle& to, Atom atom) {
    auto request = read_request<Request>(frame);
    if (!request) return error_frame(request.error());
    return ask<Request>(to, timeout(), atom, *std::move(request));
  }

  template <class Request, class Handle, class Atom>
  caf::result<Frame> pass_stamped(const Frame& frame, const Handle& to,
                                  Atom atom) {
    auto request = read_request<Request>(frame);
    if (!request) return error_frame(request.error());
    stamp(options_.principal, *request);
    return ask<Request>(to, timeout(), atom, *std::move(request));
  }

  template <class Request, class Reply>
  Frame to_frame(Reply& reply) {
    if constexpr (std::is_same_v<Request, ShowRequest>)
      hide_others(options_.principal, reply);
    return reply_frame<Request>(reply);
  }

  BoundSession::pointer self_;
  SessionOptions options_;
  std::uint16_t protocol_ = kProtocolMax;
  std::unordered_map<std::uint64_t, Promise> open_;  // By number.
  std::uint64_t opened_ = 0;
  std::uint32_t jobs_ = 0;
  std::uint32_t pulls_ = 0;
  WorkerSeatActor worker_;  // Of a node that said worker.hello.
};

}  // namespace

BoundSession spawn_session(caf::actor_system& sys, SessionOptions options) {
  return sys.spawn<BoundSession::stateful_impl<SessionState>>(
      std::move(options));
}

void set_lease(SessionLimits& limits, const LeaseConfig& lease) {
  limits.worker_silence_ms = silence_limit_ms(lease);
  // Some may be late, however short the leases are.
  limits.worker_heartbeat_ms =
      std::min(lease.heartbeat_ms, limits.worker_silence_ms / 4);
}

void rebind(NodeHandles& handles, const std::string& child,
            const caf::actor& handle) {
  if (child == "scheduler")
    handles.scheduler = caf::actor_cast<SchedulerActor>(handle);
  else if (child == "history_reader")
    handles.reader = caf::actor_cast<HistoryReaderActor>(handle);
  else if (child == "event_hub")
    handles.hub = caf::actor_cast<EventHubActor>(handle);
  else if (child == "artifacts")
    handles.artifacts = caf::actor_cast<ArtifactsActor>(handle);
  else if (child == "console")
    handles.console = caf::actor_cast<ConsoleActor>(handle);
}

}  // namespace troupe::cluster
