// What a scheduler takes up at its start: the orders to the queue and the jobs
// that live.
#include <rocksdb/iterator.h>

#include <algorithm>
#include <map>
#include <set>

#include "persistence/job_store_impl.hpp"

namespace troupe {

using namespace storage;

namespace {

// Walks the entries of one live state in queue order.
class LiveCursor {
 public:
  LiveCursor(const Database& base, const rocksdb::ReadOptions& reading,
             JobState state)
      : prefix_{live_prefix(state)},
        it_{base.db().NewIterator(reading, base.index())} {
    it_->Seek(slice(prefix_));
  }
  bool valid() const {
    return it_->Valid() && bytes_of(it_->key()).starts_with(prefix_);
  }
  std::uint64_t index() const { return last_u64(bytes_of(it_->key())); }
  std::string_view value() const { return bytes_of(it_->value()); }
  void next() { it_->Next(); }
  rocksdb::Status status() const { return it_->status(); }

 private:
  std::string prefix_;
  std::unique_ptr<rocksdb::Iterator> it_;
};

// Moves `jobs` onto `key`: near ones by steps, which are cheaper.
bool move_to(rocksdb::Iterator& jobs, const std::string& key) {
  for (int steps = 0; steps < 4; ++steps) {
    if (!jobs.Valid()) break;
    const int order = jobs.key().compare(slice(key));
    if (order == 0) return true;
    if (order > 0) break;
    jobs.Next();
  }
  jobs.Seek(slice(key));
  return jobs.Valid() && jobs.key() == slice(key);
}

}  // namespace

Result<std::vector<LogEntry>> JobStore::controls() const {
  const std::shared_lock lock{impl_->base_mutex};
  const Database& base = *impl_->base;
  std::vector<LogEntry> out;
  const auto prefix = order_prefix();
  const std::unique_ptr<rocksdb::Iterator> it{
      base.db().NewIterator({}, base.meta())};
  for (it->Seek(slice(prefix));
       it->Valid() && bytes_of(it->key()).starts_with(prefix); it->Next()) {
    const auto index = last_u64(bytes_of(it->key()));
    const auto bytes = get(base, base.log(), log_key(index));
    if (!bytes) return bytes.error();
    if (!*bytes) continue;
    auto entry = decode_record(index, **bytes);
    if (!entry) return entry.error();
    out.push_back(*std::move(entry));
  }
  if (!it->status().ok())
    return base.read_error("read the orders", it->status());
  return out;
}

Status JobStore::for_each_live(
    const std::function<void(const LiveJob&)>& fn) const {
  const std::shared_lock lock{impl_->base_mutex};
  const Database& base = *impl_->base;
  std::map<std::uint64_t, TailJob> tail;  // By place in the queue.
  std::unique_lock tail_lock{impl_->tail_mutex};
  for (const auto* generation : {&impl_->frozen, &impl_->fresh})
    for (const auto& [id, job] : generation->jobs)
      tail.insert_or_assign(job.summary.spec_index, job);
  const SnapshotGuard at{base.db()};
  tail_lock.unlock();
  rocksdb::ReadOptions reading;
  reading.snapshot = at.get();
  reading.fill_cache = false;
  reading.readahead_size = 1 << 20;
  std::vector<LiveCursor> cursors;
  for (const auto state :
       {JobState::blocked, JobState::queued, JobState::running})
    cursors.emplace_back(base, reading, state);
  const std::unique_ptr<rocksdb::Iterator> jobs{
      base.db().NewIterator(reading, base.index())};
  auto from_tail = tail.begin();
  const auto tell_tail_through = [&](std::uint64_t index) {
    for (; from_tail != tail.end() && from_tail->first <= index; ++from_tail) {
      const TailJob& job = from_tail->second;
      if (!job.facts || job.forgotten || is_terminal(job.summary.state))
        continue;
      LiveJob live = job.facts->live;
      live.summary = job.summary;
      fn(live);
    }
  };
  LiveJob live;
  while (true) {
    LiveCursor* next = nullptr;
    for (auto& cursor : cursors) {
      if (!cursor.valid()) {
        // At once: what follows in the others comes later in the queue.
        if (!cursor.status().ok()) return base.index_error(cursor.status());
        continue;
      }
      if (!next || cursor.index() < next->index()) next = &cursor;
    }
    if (!next) break;
    const auto index = next->index();
    tell_tail_through(index);
    live.not_before_ms.reset();
    live.deadline_ms.reset();
    live.timeout_ms.reset();
    live.retry = {};
    live.depends_on.clear();
    if (!decode_live(next->value(), live))
      return base.index_error("live job " + std::to_string(index));
    next->next();
    const auto newer = tail.find(index);
    if (newer != tail.end()) {
      const TailJob& job = newer->second;
      live.summary = job.summary;
      live.submitted_ms = job.submitted_ms;
      // With facts the tail has told it.
      if (job.facts || job.forgotten || is_terminal(live.summary.state))
        continue;
    } else {
      const auto record = move_to(*jobs, job_key(index))
                              ? decode_job(index, bytes_of(jobs->value()))
                              : std::nullopt;
      if (!jobs->status().ok()) return base.index_error(jobs->status());
      if (!record) return base.index_error("job " + std::to_string(index));
      live.summary = record->summary;
      live.submitted_ms = record->submitted_ms;
    }
    fn(live);
  }
  tell_tail_through(~std::uint64_t{0});
  return ok();
}

}  // namespace troupe
