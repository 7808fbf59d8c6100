#include "actors/event_hub.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <chrono>
#include <list>

#include "actors/errors.hpp"
#include "actors/supervisor.hpp"

namespace troupe {
namespace {

using SelfActor =
    Supervised<EventHubActor>::extend<caf::result<void>(wake_atom)>;

constexpr std::chrono::milliseconds kTick{100};

// A pull that waits for something to happen.
struct Parked {
  PullRequest request;
  caf::typed_response_promise<PullReply> promise;
  std::int64_t left_ms = 0;
  bool asking = false;          // The reader has not answered yet;
  std::vector<LogEntry> fresh;  // what became durable meanwhile.
};
using ParkedList = std::list<Parked>;

class EventHubState {
 public:
  static inline const char* name = "troupe.event-hub";

  EventHubState(SelfActor::pointer self, EventHubOptions options)
      : self_{self},
        reader_{std::move(options.reader)},
        limits_{options.limits},
        reader_timeout_{options.reader_timeout_ms},
        ring_{limits_, options.last_index},
        live_{limits_} {}

  SelfActor::behavior_type make_behavior() {
    return {
        [this](committed_atom, Committed& c) { committed(std::move(c)); },
        [this](live_atom, std::vector<LiveEvent>& events) {
          live(std::move(events));
        },
        [this](pull_atom, PullRequest& request) {
          return pull(std::move(request));
        },
        [this](progress_atom, ShowReply& reply) {
          return with_progress(std::move(reply));
        },
        [this](bind_atom, const std::string&, const caf::actor& reader) {
          reader_ = caf::actor_cast<HistoryReaderActor>(reader);
        },
        [this](wake_atom) { tick(); },
    };
  }

 private:
  // -- what happens
  // ------------------------------------------------------------

  void committed(Committed c) {
    for (auto& entry : c.entries) {
      note_lives(entry);
      give_to_followers_of_its_job(entry);
      ring_.add(std::move(entry));
    }
    answer_global();
    for (auto it = scoped_.begin(); it != scoped_.end(); ++it)
      if (!it->asking) ask_reader(scoped_, it);
  }

  void note_lives(const LogEntry& entry) {
    const Change& c = entry.change;
    if (c.type == ChangeType::started)
      live_.attempt_started(c.job, c.attempt, c.seq);
    else if (c.type == ChangeType::ended || c.type == ChangeType::requeued)
      live_.job_moved(c.job, c.seq), live_.attempt_ended(c.job);
    else if (c.type == ChangeType::noted)
      live_.job_moved(c.job, c.seq);
  }

  void give_to_followers_of_its_job(const LogEntry& entry) {
    auto it = by_job_.find(entry.change.job);
    if (it == by_job_.end()) return;
    auto& followers = it->second;
    for (auto p = followers.begin(); p != followers.end();) {
      if (p->asking) {
        p->fresh.push_back(entry);
        ++p;
        continue;
      }
      PullReply reply;
      reply.entries.push_back(entry);
      live_.pull(p->request, reply);
      p = answer(followers, p, std::move(reply));
    }
    if (followers.empty()) by_job_.erase(it);
  }

  void live(std::vector<LiveEvent> events) {
    std::vector<JobId> touched;
    for (auto& event : events) {
      const auto job = event.job;
      if (live_.add(std::move(event)) &&
          (touched.empty() || touched.back() != job))
        touched.push_back(job);
    }
    for (const auto job : touched) {
      auto it = by_job_.find(job);
      if (it == by_job_.end()) continue;
      answer_live(it->second);
      if (it->second.empty()) by_job_.erase(it);
    }
  }

  void answer_live(ParkedList& followers) {
    for (auto p = followers.begin(); p != followers.end();) {
      PullReply reply;
      if (!p->asking) live_.pull(p->request, reply);
      if (reply.live.empty())
        ++p;
      else
        p = answer(followers, p, std::move(reply));
    }
  }

  // -- pulls
  // -------------------------------------------------------------------

  caf::result<PullReply> pull(PullRequest request) {
    request.wait_ms =
        std::clamp<std::int64_t>(request.wait_ms, 0, limits_.max_wait_ms);
    if (parked_ >= limits_.parked_pulls)
      return to_caf({.code = Errc::unavailable,
                     .message = "too many followers wait here",
                     .retry_after_ms = 1'000});
    if (request.from_now) {
      request.after_index = std::max(request.after_index, ring_.last_index());
      request.from_now = false;
    }
    if (request.job) return pull_job(std::move(request));
    if (!request.tenant.empty()) return pull_scoped(std::move(request));
    return pull_global(std::move(request));
  }

  caf::result<PullReply> pull_global(PullRequest request) {
    if (!ring_.covers(request.after_index)) {
      auto p = park(scoped_, std::move(request));
      auto promise = p->promise;
      ask_reader(scoped_, p);
      return promise;
    }
    auto reply = ring_.pull(request);
    if (!reply.entries.empty() || request.wait_ms == 0) return reply;
    request.after_index = reply.next_index;
    return park(global_, std::move(request))->promise;
  }

  caf::result<PullReply> pull_scoped(PullRequest request) {
    auto p = park(scoped_, std::move(request));
    auto promise = p->promise;
    ask_reader(scoped_, p);
    return promise;
  }

  caf::result<PullReply> pull_job(PullRequest request) {
    const auto job = *request.job;
    // The follower has all that is durable: only live events can be new.
    if (live_.last_seq(job) == request.after_seq && request.tenant.empty()) {
      PullReply reply;
      live_.pull(request, reply);
      if (!reply.live.empty() || request.wait_ms == 0) return reply;
      return park(by_job_[job], std::move(request))->promise;
    }
    auto& followers = by_job_[job];
    auto p = park(followers, std::move(request));
    auto promise = p->promise;
    ask_reader(followers, p);
    return promise;
  }

  ParkedList::iterator park(ParkedList& list, PullRequest request) {
    ++parked_;
    if (!std::exchange(ticking_, true))
      self_->delayed_send(self_, kTick, wake_atom_v);
    const auto wait = request.wait_ms;
    return list.insert(list.end(),
                       {.request = std::move(request),
                        .promise = self_->make_response_promise<PullReply>(),
                        .left_ms = wait,
                        .asking = false,
                        .fresh = {}});
  }

  ParkedList::iterator answer(ParkedList& list, ParkedList::iterator p,
                              PullReply reply) {
    for (const auto& entry : reply.entries)
      reply.next_index = std::max(reply.next_index, entry.index);
    p->promise.deliver(std::move(reply));
    --parked_;
    return list.erase(p);
  }

  // A list's element stays where it is until it is answered, and an element
  // that asks is answered by nobody else.
  void ask_reader(ParkedList& list, ParkedList::iterator p) {
    p->asking = true;
    auto request = p->request;
    request.wait_ms = 0;
    self_
        ->request(reader_, std::chrono::milliseconds(reader_timeout_),
                  pull_atom_v, std::move(request))
        .then([this, &list, p](PullReply& r) { read(list, p, std::move(r)); },
              [this, &list, p](caf::error& e) {
                p->promise.deliver(std::move(e));
                --parked_;
                drop(list, p);
              });
  }

  void read(ParkedList& list, ParkedList::iterator p, PullReply reply) {
    p->asking = false;
    if (p->request.job) {
      auto last = p->request.after_seq;
      if (!reply.entries.empty()) last = reply.entries.back().change.seq;
      for (auto& entry : p->fresh)
        if (entry.change.seq == last + 1 &&
            reply.entries.size() < p->request.max_events) {
          last = entry.change.seq;
          reply.entries.push_back(std::move(entry));
        }
      p->fresh.clear();
      live_.pull(p->request, reply);
    }
    if (reply.entries.empty() && reply.live.empty() && p->left_ms > 0) {
      p->request.after_index =
          std::max(p->request.after_index, reply.next_index);
      return;
    }
    p->promise.deliver(std::move(reply));
    --parked_;
    drop(list, p);
  }

  void drop(ParkedList& list, ParkedList::iterator p) {
    const auto job = p->request.job;
    list.erase(p);
    if (job && list.empty()) by_job_.erase(*job);
  }

  void answer_global() {
    for (auto p = global_.begin(); p != global_.end();) {
      if (!ring_.covers(p->request.after_index)) {  // Entries were missed.
        const auto missed = p++;
        scoped_.splice(scoped_.end(), global_, missed);
        ask_reader(scoped_, missed);
        continue;
      }
      auto reply = ring_.pull(p->request);
      p->request.after_index = reply.next_index;
      if (reply.entries.empty()) {
        ++p;
        continue;
      }
      p->promise.deliver(std::move(reply));
      --parked_;
      p = global_.erase(p);
    }
  }

  // -- time
  // --------------------------------------------------------------------

  void tick() {
    expire(global_);
    expire(scoped_);
    for (auto it = by_job_.begin(); it != by_job_.end();) {
      expire(it->second);
      it = it->second.empty() ? by_job_.erase(it) : std::next(it);
    }
    ticking_ = parked_ > 0;
    if (ticking_) self_->delayed_send(self_, kTick, wake_atom_v);
  }

  void expire(ParkedList& list) {
    for (auto p = list.begin(); p != list.end();) {
      p->left_ms -= kTick.count();
      if (p->asking || p->left_ms > 0) {
        ++p;
        continue;
      }
      PullReply nothing;
      nothing.next_index = p->request.after_index;
      p = answer(list, p, std::move(nothing));
    }
  }

  ShowReply with_progress(ShowReply reply) const {
    for (auto& answer : reply.answers) {
      if (!answer.job || answer.job->state != JobState::running) continue;
      answer.job->phase = Phase::executing;
      const auto* event = live_.progress(answer.id);
      if (!event || event->attempt != answer.job->attempt) continue;
      answer.job->progress = event->progress;
      answer.job->phase = event->progress->phase;
    }
    return reply;
  }

  SelfActor::pointer self_;
  HistoryReaderActor reader_;
  const EventLimits limits_;
  const std::int64_t reader_timeout_;
  DurableRing ring_;
  LiveRings live_;
  ParkedList global_;  // Wait for the next entry of the ring.
  ParkedList scoped_;  // Want a filter that only the reader has, or the past.
  std::unordered_map<JobId, ParkedList> by_job_;
  std::size_t parked_ = 0;
  bool ticking_ = false;
};

}  // namespace

EventHubActor spawn_event_hub(caf::actor_system& sys, EventHubOptions options) {
  return sys.spawn<SelfActor::stateful_impl<EventHubState>>(std::move(options));
}

}  // namespace troupe
