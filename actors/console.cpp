#include "actors/console.hpp"

#include <filesystem>

#include <caf/event_based_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <chrono>

#include "actors/errors.hpp"
#include "actors/supervisor.hpp"

namespace troupe {
namespace {

using SelfActor = Supervised<ConsoleActor>;

/// Whether `path` is `folder` or below it, whatever links lead there.
bool lies_in(const std::filesystem::path& path,
             const std::filesystem::path& folder) {
  if (folder.empty()) return false;
  std::error_code none;
  const auto inner = std::filesystem::weakly_canonical(path, none);
  const auto outer = std::filesystem::weakly_canonical(folder, none);
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end())
             .first == outer.end();
}

class ConsoleState {
 public:
  static inline const char* name = "troupe.console";

  ConsoleState(SelfActor::pointer self, ConsoleOptions options)
      : self_{self}, options_{std::move(options)} {}

  SelfActor::behavior_type make_behavior() {
    return {
        // The scheduler puts its own control entry, with the principal, on
        // the log in the same batch as what the order changes.
        [this](control_atom, const ControlRequest& request) {
          return self_->delegate(options_.scheduler, control_atom_v, request);
        },
        [this](status_atom) { return status(); },
        [this](backup_atom, const std::string& folder, const std::string& by) {
          return backup(folder, by);
        },
        [this](bind_atom, const std::string& child, const caf::actor& handle) {
          if (child == "scheduler")
            options_.scheduler = caf::actor_cast<SchedulerActor>(handle);
          else if (child == "job_history")
            options_.history = caf::actor_cast<JobHistoryActor>(handle);
          else if (child == "memory_manager")
            options_.memory = caf::actor_cast<MemoryManagerActor>(handle);
        },
    };
  }

 private:
  std::chrono::milliseconds timeout() const {
    return std::chrono::milliseconds(options_.timeout_ms);
  }

  caf::result<NodeStatus> status() {
    auto promise = self_->make_response_promise<NodeStatus>();
    NodeStatus status;
    status.node = options_.node;
    status.version = options_.version;
    status.store_id = options_.store->store_id();
    status.epoch = options_.store->epoch();
    status.last_index = options_.store->last_index();
    status.indexed_index = options_.store->indexed_index();
    auto accepting = options_.store->accepting();
    status.accepting = accepting ? "yes" : accepting.error().message;
    status.devices = options_.devices;
    self_->request(options_.scheduler, timeout(), status_atom_v)
        .then(
            [this, promise, status](ControlReply& queue) mutable {
              status.queue = std::move(queue);
              // Refused by the disk, else by the queue.
              if (status.accepting == "yes")
                status.accepting = status.queue.accepting;
              with_ledgers(std::move(promise), std::move(status));
            },
            [promise](caf::error& e) mutable {
              promise.deliver(std::move(e));
            });
    return promise;
  }

  void with_ledgers(caf::typed_response_promise<NodeStatus> promise,
                    NodeStatus status) {
    self_->request(options_.memory, timeout(), report_atom_v)
        .then(
            [promise, status](std::vector<LedgerReport>& ledgers) mutable {
              status.ledgers = std::move(ledgers);
              promise.deliver(std::move(status));
            },
            [promise](caf::error& e) mutable {
              promise.deliver(std::move(e));
            });
  }

  caf::result<void> backup(const std::string& folder, const std::string& by) {
    if (lies_in(folder, options_.data))
      return to_caf({Errc::invalid_argument,
                     folder +
                         " lies in the data folder itself; name one "
                         "outside of " +
                         options_.data.string()});
    auto promise = self_->make_response_promise<void>();
    AppendRequest audit{.refusable = true};  // At once, if the disk fails.
    audit.changes.push_back({.type = ChangeType::control,
                             .time_ms = options_.clock->now(),
                             .note = Note{"backup", {}, by}});
    self_->request(options_.history, timeout(), append_atom_v, std::move(audit))
        .then(
            [this, promise, folder](const Appended&) mutable {
              copy(std::move(promise), folder);
            },
            [promise](caf::error& e) mutable {
              promise.deliver(std::move(e));
            });
    return promise;
  }

  // The copy takes as long as the disk does: on a thread of its own, beside
  // writer and readers, for this one time.
  void copy(caf::typed_response_promise<void> promise,
            const std::string& folder) {
    auto worker = self_->spawn<caf::detached>(
        [store = options_.store, files = options_.files](
            caf::event_based_actor* worker_self) -> caf::behavior {
          return {[=](backup_atom, const std::string& to) -> caf::result<void> {
            worker_self->quit();
            // A data folder to start from. Jobs first: a file that one of them
            // names is then there to be copied.
            const std::filesystem::path folder{to};
            std::error_code none;
            if (std::filesystem::exists(folder, none) &&
                !std::filesystem::is_empty(folder, none))
              return to_caf({Errc::already_exists,
                             to + " is there and not empty; name a new "
                                  "folder"});
            auto done = store->backup(folder / "store");
            if (done && files) done = files->backup(folder / "artifacts");
            if (done) done = JobStore::finish_backup(folder / "store");
            if (done) return caf::unit;
            // Nothing stands in the way of the next try; what another copy is
            // making there is left alone.
            if (done.error().code != Errc::already_exists) {
              std::filesystem::remove_all(folder / "store", none);
              std::filesystem::remove_all(folder / "artifacts", none);
            }
            return to_caf(done.error());
          }};
        });
    self_
        ->request(worker, std::chrono::milliseconds(options_.backup_timeout_ms),
                  backup_atom_v, folder)
        .then([promise]() mutable { promise.deliver(); },
              [promise](caf::error& e) mutable {
                promise.deliver(std::move(e));
              });
  }

  SelfActor::pointer self_;
  ConsoleOptions options_;
};

}  // namespace

ConsoleActor spawn_console(caf::actor_system& sys, ConsoleOptions options) {
  return sys.spawn<SelfActor::stateful_impl<ConsoleState>>(std::move(options));
}

}  // namespace troupe
