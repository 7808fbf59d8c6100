#include "tests/simulation/sim_client.hpp"

#include <chrono>
#include <utility>

#include "actors/errors.hpp"

namespace troupe::simulation {

namespace {

constexpr std::chrono::seconds kTimeout{5};
constexpr std::int64_t kPullWaitMs = 1'000;

/// What a client may try again: the outcome is open, or the node said so.
bool is_open(Errc code) {
  switch (code) {
    case Errc::unavailable:
    case Errc::timeout:
    case Errc::disk_full:
    case Errc::read_only:
    case Errc::io_error:
      return true;
    default:
      return false;
  }
}

}  // namespace

SimClient::SimClient(caf::actor_config& config, World& world, Oracle& oracle,
                     Directory directory)
    : caf::event_based_actor{config},
      world_{world},
      oracle_{oracle},
      directory_{std::move(directory)},
      random_{world.coordinator.fork()} {}

caf::behavior SimClient::make_behavior() {
  pull();
  return {[](bind_atom) {}};  // Only replies come here.
}

template <class Handle>
Handle SimClient::find(const std::string& child) const {
  return caf::actor_cast<Handle>(directory_(child));
}

template <class Reply, class Handle, class Then, class... Ts>
void SimClient::ask(const std::string& child, Then then,
                    std::function<void(Error)> fail, Ts... xs) {
  const auto handle = find<Handle>(child);
  if (!handle) {
    fail({Errc::unavailable, child + " does not run"});
    return;
  }
  ++in_flight_;
  // The driver calls between two runs of this actor: what it ran on is gone.
  context(nullptr);
  request(handle, kTimeout, std::move(xs)...)
      .then(
          [this, then](const Reply& reply) {
            --in_flight_;
            then(reply);
          },
          [this, fail](const caf::error& error) {
            --in_flight_;
            fail(from_caf(error));
          });
}

void SimClient::on_error(const Error& error) {
  world_.error(error.code);
  if (error.message.empty()) oracle_.violation("an error without a text");
}

// -- submit -------------------------------------------------------------------

void SimClient::submit(std::vector<Work> works) {
  SubmitRequest message;
  for (const Work& work : works) message.jobs.push_back(work.spec);
  ask<SubmitReply, SchedulerActor>(
      "scheduler",
      [this, works](const SubmitReply& reply) { on_submitted(works, reply); },
      [this, works](const Error& error) {
        for (const Work& work : works) on_refused(work, error);
      },
      submit_atom_v, message);
}

void SimClient::submit_open() {
  std::vector<Work> works;
  while (!open_.empty() && works.size() < 16) {
    works.push_back(std::move(open_.front()));
    open_.pop_front();
  }
  if (!works.empty()) submit(std::move(works));
}

void SimClient::on_submitted(const std::vector<Work>& works,
                             const SubmitReply& reply) {
  if (reply.answers.size() != works.size())
    return oracle_.violation("a submit was answered with another count");
  for (std::size_t i = 0; i < works.size(); ++i)
    on_answer(works[i], reply.answers[i]);
}

void SimClient::on_answer(const Work& work, const SubmitAnswer& answer) {
  if (answer.id != work.spec.id)
    return oracle_.violation("a submit was answered with another id");
  if (answer.error) return on_refused(work, *answer.error);
  if (work.refusal)
    return oracle_.violation(
        "job " + to_string(work.spec.id) + " was accepted, " +
        std::string(to_string(*work.refusal)) + " was due");
  accepted_.push_back(work.spec);
  oracle_.told_accepted(work.spec.id);
  oracle_.told_state(work.spec.id, answer.state);
}

void SimClient::on_refused(const Work& work, const Error& error) {
  on_error(error);
  if (is_open(error.code)) {
    open_.push_back(work);
    return;
  }
  if (!work.refusal || *work.refusal != error.code)
    oracle_.violation("job " + to_string(work.spec.id) +
                      " was refused: " + std::string(to_string(error.code)) +
                      ": " + error.message);
}

void SimClient::submit_impostor() {
  if (accepted_.empty()) return;
  Work work{accepted_[test::below(*random_, accepted_.size())],
            Errc::already_exists};
  work.spec.params = R"({"other":1})";
  submit({std::move(work)});
}

// -- orders and questions -----------------------------------------------------

void SimClient::cancel(std::vector<JobId> jobs, const std::string& tenant) {
  ask<CancelReply, SchedulerActor>(
      "scheduler", [this](const CancelReply& reply) { on_cancelled(reply); },
      [this](const Error& error) { on_error(error); }, cancel_atom_v,
      CancelRequest{.jobs = std::move(jobs), .by = "sim", .tenant = tenant});
}

void SimClient::on_cancelled(const CancelReply& reply) {
  for (const CancelAnswer& answer : reply.answers)
    if (answer.error)
      on_error(*answer.error);
    else
      oracle_.told_state(answer.id, answer.state);
}

void SimClient::control(ControlRequest order) {
  ask<ControlReply, SchedulerActor>(
      "scheduler", [](const ControlReply&) {},
      [this](const Error& error) { on_error(error); }, control_atom_v,
      std::move(order));
}

void SimClient::explain(JobId job) {
  ask<ExplainReply, SchedulerActor>(
      "scheduler",
      [this](const ExplainReply& reply) {
        if (reply.sentences.empty())
          oracle_.violation("nothing explains job " + to_string(reply.job));
      },
      [this](const Error& error) { on_error(error); }, explain_atom_v,
      ExplainRequest{.job = job, .tenant = ""});
}

void SimClient::show(JobId job) {
  ask<ShowReply, HistoryReaderActor>(
      "history_reader",
      [this](const ShowReply& reply) {
        for (const ShowAnswer& answer : reply.answers)
          if (answer.error)
            on_error(*answer.error);
          else
            oracle_.told_state(answer.id, answer.job->state);
      },
      [this](const Error& error) { on_error(error); }, show_atom_v,
      ShowRequest{{job}});
}

void SimClient::look_at(JobId id) {
  const auto* job = oracle_.find(id);
  PullRequest message;
  message.job = id;
  message.live = true;
  message.max_events = static_cast<std::uint32_t>(1 + test::below(*random_, 8));
  if (job != nullptr)
    message.after_seq =
        static_cast<std::uint32_t>(test::below(*random_, job->seq + 1));
  ask<PullReply, EventHubActor>(
      "event_hub",
      [this, message](const PullReply& reply) {
        if (reply.entries.size() + reply.live.size() > message.max_events)
          oracle_.violation("a job's follower got more than it asked for");
        auto seq = message.after_seq;
        for (const LogEntry& entry : reply.entries) {
          oracle_.was_shown(entry);
          if (entry.change.job != *message.job || entry.change.seq != ++seq)
            oracle_.violation("a job's follower was shown a wrong event");
        }
      },
      [this](const Error& error) { on_error(error); }, pull_atom_v, message);
}

void SimClient::read_ledgers() {
  ask<std::vector<LedgerReport>, MemoryManagerActor>(
      "memory_manager",
      [this](const std::vector<LedgerReport>& reports) {
        for (const LedgerReport& report : reports) oracle_.check_ledger(report);
      },
      [this](const Error& error) { on_error(error); }, report_atom_v);
}

// -- the follower -------------------------------------------------------------

void SimClient::pull() {
  if (!following_) return;
  const auto hub = find<EventHubActor>("event_hub");
  if (!hub) return pull_again(100);
  PullRequest message;
  message.after_index = oracle_.last_index();
  message.max_events =
      static_cast<std::uint32_t>(1 + test::below(*random_, 64));
  message.wait_ms = kPullWaitMs;
  request(hub, kTimeout, pull_atom_v, message)
      .then([this,
             message](const PullReply& reply) { on_pulled(message, reply); },
            [this](const caf::error& error) {
              on_error(from_caf(error));
              pull_again(100);
            });
}

void SimClient::on_pulled(const PullRequest& request, const PullReply& reply) {
  if (reply.entries.size() + reply.live.size() > request.max_events)
    oracle_.violation("a follower with credit for " +
                      std::to_string(request.max_events) + " events got " +
                      std::to_string(reply.entries.size()));
  for (const LogEntry& entry : reply.entries) oracle_.saw(entry);
  pull();
}

void SimClient::pull_again(std::int64_t wait_ms) {
  run_delayed(std::chrono::milliseconds{wait_ms}, [this] { pull(); });
}

}  // namespace troupe::simulation
