#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "codec/msgpack.hpp"
#include "persistence/cursors.hpp"
#include "persistence/job_store_impl.hpp"

namespace troupe {

using namespace storage;

namespace {

// What lies beyond the indexes, as of one moment.
struct Tail {
  std::unordered_set<std::uint64_t> hidden;  // What the index says of them.
  std::vector<TailJob> matching;             // Newest first.
};

bool is_in(const std::vector<JobState>& states, JobState state) {
  return states.empty() || std::ranges::count(states, state) > 0;
}

bool meets_times(const ListRequest& request, UnixMs submitted_ms) {
  return (!request.since_ms || submitted_ms >= *request.since_ms) &&
         (!request.until_ms || submitted_ms < *request.until_ms);
}

bool meets_facts(const ListRequest& request, const Facts& facts) {
  const auto meets = [](const std::string& wanted, const std::string& have) {
    return wanted.empty() || wanted == have;
  };
  return meets(request.kind, facts.live.kind) &&
         meets(request.model, facts.live.model) &&
         meets(request.tenant, facts.live.tenant) &&
         (request.tag.empty() ||
          std::ranges::count(facts.tags, request.tag) > 0) &&
         (!request.parent || request.parent == facts.parent);
}

Cursors attribute_cursors(const Database& base,
                          const rocksdb::ReadOptions& reading,
                          const ListRequest& request) {
  Cursors out;
  const auto add = [&](Attribute attribute, std::string_view value) {
    if (!value.empty())
      out.push_back(posting_cursor(base, reading, attribute, value));
  };
  add(Attribute::kind, request.kind);
  add(Attribute::model, request.model);
  add(Attribute::tenant, request.tenant);
  add(Attribute::tag, request.tag);
  if (request.parent) {
    std::string id;
    put_id(id, *request.parent);
    add(Attribute::parent, id);
  }
  return out;
}

std::unique_ptr<Cursor> candidates(const Database& base,
                                   const rocksdb::ReadOptions& reading,
                                   const ListRequest& request) {
  auto all = attribute_cursors(base, reading, request);
  if (!request.states.empty()) {
    Cursors states;
    for (const auto state : request.states)
      states.push_back(
          is_terminal(state)
              ? posting_cursor(base, reading, Attribute::ended_as,
                               std::string(1, static_cast<char>(state)))
              : live_cursor(base, reading, state));
    all.push_back(union_cursor(std::move(states)));
  }
  if (request.since_ms || request.until_ms)
    all.push_back(time_cursor(
        base, reading,
        request.since_ms.value_or(std::numeric_limits<UnixMs>::min()),
        request.until_ms.value_or(std::numeric_limits<UnixMs>::max())));
  all.push_back(job_cursor(base, reading));  // Drops what leads nowhere.
  return intersection_cursor(std::move(all));
}

// Those without facts are not checked for attributes yet. Copied are only as
// many as a page can show, so that the writer waits for moments.
Tail tail_of(std::initializer_list<const Generation*> oldest_first,
             const ListRequest& request, std::uint64_t at_most) {
  Tail tail;
  std::unordered_map<std::uint64_t, const TailJob*> found;
  for (const auto* generation : oldest_first)
    for (const auto& [id, job] : generation->jobs) {
      const auto index = job.summary.spec_index;
      tail.hidden.insert(index);
      if (index <= at_most && !job.forgotten &&
          is_in(request.states, job.summary.state) &&
          meets_times(request, job.submitted_ms) &&
          (!job.facts || meets_facts(request, *job.facts)))
        found.insert_or_assign(index, &job);
      else
        found.erase(index);  // A newer generation knows better.
    }
  std::vector<const TailJob*> order;
  order.reserve(found.size());
  for (const auto& [index, job] : found) order.push_back(job);
  std::ranges::sort(order, std::greater{},
                    [](const TailJob* job) { return job->summary.spec_index; });
  std::size_t certain = 0;
  for (const auto* job : order) {
    if (certain > request.max_jobs) break;  // One more tells of a next page.
    certain += job->facts ? 1 : 0;
    tail.matching.push_back(*job);
  }
  return tail;
}

// A job that would fill a page alone loses what only `view()` must have.
// Returns its size then.
std::size_t cut_to(std::size_t max_bytes, JobView& view) {
  auto bytes = to_msgpack(view).size();
  if (bytes <= max_bytes) return bytes;
  make_brief(view);
  bytes = to_msgpack(view).size();
  if (bytes <= max_bytes) return bytes;
  view.artifacts.clear();
  view.spec.inputs.clear();
  view.spec.bindings.clear();
  view.spec.depends_on.clear();
  return to_msgpack(view).size();
}

}  // namespace

Result<ListReply> JobStore::list(const ListRequest& request) const {
  const std::shared_lock lock{impl_->base_mutex};
  const Database& base = *impl_->base;
  auto next =
      request.before_index == 0 ? ~std::uint64_t{0} : request.before_index - 1;
  std::unique_lock tail_lock{impl_->tail_mutex};
  const auto tail = tail_of({&impl_->frozen, &impl_->fresh}, request, next);
  const SnapshotGuard at{base.db()};
  tail_lock.unlock();
  rocksdb::ReadOptions reading;
  reading.snapshot = at.get();

  const auto& in_memory = tail.matching;
  auto attributes = attribute_cursors(base, reading, request);
  const auto indexed = candidates(base, reading, request);
  auto from_memory = in_memory.begin();
  ListReply reply;
  std::size_t bytes = 0;
  // Where a cursor fails, it looks as if there was nothing.
  const auto checked = [&](ListReply page) -> Result<ListReply> {
    if (!indexed->status().ok()) return base.index_error(indexed->status());
    for (const auto& cursor : attributes)
      if (!cursor->status().ok()) return base.index_error(cursor->status());
    return page;
  };
  while (true) {
    auto from_index = indexed->seek(next);
    while (from_index && tail.hidden.contains(*from_index))
      from_index =
          *from_index == 0 ? std::nullopt : indexed->seek(*from_index - 1);
    while (from_memory != in_memory.end() && !from_memory->facts &&
           !std::ranges::all_of(attributes, [&](const auto& cursor) {
             return cursor->contains(from_memory->summary.spec_index);
           }))
      ++from_memory;
    TailJob job;
    if (from_memory != in_memory.end() &&
        (!from_index || from_memory->summary.spec_index > *from_index)) {
      job = *from_memory++;
    } else if (from_index) {
      const auto value =
          get(base, base.index(), job_key(*from_index), at.get());
      if (!value) return value.error();
      auto record = *value ? decode_job(*from_index, **value) : std::nullopt;
      if (!record)
        return base.index_error("job " + std::to_string(*from_index));
      job = tail_job(*std::move(record));
      next = *from_index - 1;  // spec_index is never 0.
      if (!meets_times(request, job.submitted_ms)) continue;
    } else {
      break;
    }
    if (reply.jobs.size() >= request.max_jobs) {
      reply.next_before_index = job.summary.spec_index + 1;
      return checked(std::move(reply));
    }
    auto view = impl_->view_of(job, request.brief);
    if (!view && view.error().code == Errc::forgotten) continue;
    if (!view) return view.error();
    bytes += cut_to(impl_->options.max_page_bytes, *view);
    if (bytes > impl_->options.max_page_bytes && !reply.jobs.empty()) {
      reply.next_before_index = job.summary.spec_index + 1;
      return checked(std::move(reply));
    }
    reply.jobs.push_back(*std::move(view));
  }
  return checked(std::move(reply));
}

}  // namespace troupe
