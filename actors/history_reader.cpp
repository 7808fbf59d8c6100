#include "actors/history_reader.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>

#include "actors/errors.hpp"
#include "actors/event_rings.hpp"
#include "actors/supervisor.hpp"

namespace troupe {
namespace {

using SelfActor = Supervised<HistoryReaderActor>;

class HistoryReaderState {
 public:
  static inline const char* name = "troupe.history-reader";

  HistoryReaderState(SelfActor::pointer self, HistoryReaderOptions options)
      : self_{self}, options_{options}, store_{*options.store} {}

  SelfActor::behavior_type make_behavior() {
    return {
        [this](show_atom, const ShowRequest& request) { return show(request); },
        [this](list_atom, ListRequest& request) -> caf::result<ListReply> {
          request.max_jobs =
              std::clamp(request.max_jobs, 1u, options_.max_page_jobs);
          return reply(store_.list(request));
        },
        [this](pull_atom, const PullRequest& request) {
          return reply(request.job ? job_events(request) : log_events(request));
        },
        [](bind_atom, const std::string&, const caf::actor&) {},
    };
  }

 private:
  ShowReply show(const ShowRequest& request) const {
    ShowReply out;
    for (const auto id : request.jobs) {
      auto view = store_.view(id);
      if (view)
        out.answers.push_back({.id = id, .job = *std::move(view), .error = {}});
      else
        out.answers.push_back({.id = id, .job = {}, .error = view.error()});
    }
    return out;
  }

  std::uint32_t max_events(const PullRequest& r) const {
    return std::clamp(r.max_events, 1u, options_.max_page_events);
  }
  std::uint32_t max_bytes(const PullRequest& r) const {
    return std::clamp(r.max_bytes, 1u, options_.max_page_bytes);
  }

  Result<PullReply> job_events(const PullRequest& request) const {
    if (!request.tenant.empty()) {
      auto view = store_.view(*request.job);
      if (!view) return view.error();
      if (view->spec.tenant != request.tenant) return unknown_job(*request.job);
    }
    auto entries = store_.job_events(*request.job, request.after_seq,
                                     max_events(request), max_bytes(request));
    if (!entries) return entries.error();
    PullReply out;
    out.entries = *std::move(entries);
    if (!out.entries.empty()) out.next_index = out.entries.back().index;
    return out;
  }

  // Reads on while the filter leaves nothing, but only so far: the follower
  // comes back with the new cursor.
  Result<PullReply> log_events(const PullRequest& request) const {
    PullReply out;
    out.next_index = request.after_index;
    for (int pages = 0; pages < 16 && out.entries.empty(); ++pages) {
      auto page = store_.log_after(out.next_index, max_events(request),
                                   max_bytes(request));
      if (!page) return page.error();
      if (page->empty()) break;
      out.next_index = page->back().index;
      for (auto& entry : *page)
        if (wanted(request, entry)) out.entries.push_back(std::move(entry));
    }
    return out;
  }

  bool wanted(const PullRequest& request, const LogEntry& entry) const {
    if (request.ends_only && entry.change.type != ChangeType::ended)
      return false;
    if (request.tenant.empty()) return true;
    if (entry.change.spec) return entry.change.spec->tenant == request.tenant;
    if (!entry.change.job) return false;
    auto view = store_.view(entry.change.job);
    return view && view->spec.tenant == request.tenant;
  }

  SelfActor::pointer self_;
  const HistoryReaderOptions options_;
  const JobStore& store_;
};

}  // namespace

HistoryReaderActor spawn_history_reader(caf::actor_system& sys,
                                        HistoryReaderOptions options) {
  using Impl = SelfActor::stateful_impl<HistoryReaderState>;
  if (options.own_thread) return sys.spawn<Impl, caf::detached>(options);
  return sys.spawn<Impl>(options);
}

}  // namespace troupe
