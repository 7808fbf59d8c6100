#include <rocksdb/write_batch.h>

#include <algorithm>

#include "persistence/job_store_impl.hpp"

namespace troupe {

using namespace storage;

namespace {

void add_posting(IndexWrite& out, Attribute attribute, std::string_view value,
                 std::uint64_t spec_index) {
  if (value.empty()) return;
  auto& offsets =
      out.added[posting_key(posting_prefix(attribute, value), spec_index)];
  put_u16(offsets, spec_index & ((1u << kWindowBits) - 1));
}

void remove_posting(IndexWrite& out, Attribute attribute,
                    std::string_view value, std::uint64_t spec_index) {
  if (value.empty()) return;
  out.removed[posting_key(posting_prefix(attribute, value), spec_index)].insert(
      spec_index & ((1u << kWindowBits) - 1));
}

template <class Act>
void for_each_posting(const Facts& facts, Act&& act) {
  act(Attribute::kind, std::string_view{facts.live.kind});
  act(Attribute::model, std::string_view{facts.live.model});
  act(Attribute::tenant, std::string_view{facts.live.tenant});
  for (const auto& tag : facts.tags) act(Attribute::tag, std::string_view{tag});
  if (facts.parent) {
    std::string id;
    put_id(id, *facts.parent);
    act(Attribute::parent, std::string_view{id});
  }
}

std::string state_value(JobState state) {
  return std::string(1, static_cast<char>(state));
}

}  // namespace

Result<bool> JobStore::index_step(std::size_t max_jobs) {
  if (impl_->write_error) return *impl_->write_error;
  return impl_->index_step(max_jobs, Impl::Unsynced::leave);
}

Result<bool> JobStore::Impl::index_step(std::size_t max_jobs,
                                        Unsynced unsynced) {
  if (!indexing) {
    if (fresh.through <= meta.watermark) return false;
    // The next synced commit will do: a sync of our own costs more than it.
    if (options.sync && synced_index < fresh.through &&
        unsynced == Unsynced::leave && fresh_entries < options.max_unindexed)
      return false;
    if (const auto frozen_now = freeze(); !frozen_now)
      return frozen_now.error();
  }
  IndexWrite out;
  const auto stop = to_index.size() - std::min(max_jobs, to_index.size());
  for (; to_index.size() > stop; to_index.pop_back())
    if (const auto indexed = index_job(out, *to_index.back()); !indexed)
      return indexed.error();
  if (const auto finished = finish(out); !finished) return finished.error();
  return indexing || (fresh.through > meta.watermark &&
                      (unsynced == Unsynced::sync ||
                       synced_index >= fresh.through || !options.sync));
}

// Only what is on disk is indexed: an index must never be ahead of its log.
Status JobStore::Impl::freeze() {
  if (synced_index < fresh.through && options.sync) {
    const auto status = base->db().SyncWAL();
    if (!status.ok()) {
      write_error = rocks_error("sync the log", status);
      return *write_error;
    }
    synced_index = fresh.through;
    mark.advance({synced_index, base->db().GetLatestSequenceNumber()});
  }
  {
    const std::lock_guard lock{tail_mutex};
    frozen = std::move(fresh);
    fresh = {};
    fresh.through = frozen.through;
  }
  fresh_entries = 0;
  indexing = true;
  to_index.clear();
  to_index.reserve(frozen.jobs.size());
  for (const auto& [id, job] : frozen.jobs) to_index.push_back(&job);
  // Taken from the back: in the order of the queue, so that keys ascend.
  std::ranges::sort(to_index, std::greater{},
                    [](const TailJob* job) { return job->summary.spec_index; });
  return ok();
}

Status JobStore::Impl::finish(IndexWrite& out) {
  rocksdb::WriteBatch first;
  for (const auto& [key, offsets] : out.removed) {
    const auto held = get(*base, base->index(), key);
    if (!held) return held.error();
    if (!*held) continue;
    std::string kept;
    for (std::size_t i = 0; i + 1 < (*held)->size(); i += 2)
      if (!offsets.contains(get_u16((*held)->data() + i)))
        kept.append(**held, i, 2);
    if (kept.empty())
      first.Delete(base->index(), slice(key));
    else
      first.Put(base->index(), slice(key), slice(kept));
  }
  rocksdb::WriteBatch batch;
  for (const auto& [kind, entries] : out.kinds)
    for (const auto& [key, value] : entries)
      if (value)
        batch.Put(base->index(), slice(key), slice(*value));
      else
        batch.Delete(base->index(), slice(key));
  for (const auto& [key, offsets] : out.added)
    batch.Merge(base->index(), slice(key), slice(offsets));
  for (const auto& [key, zone] : out.zones)
    batch.Merge(base->index(), slice(key), slice(encode(zone)));
  auto next = meta;
  if (to_index.empty()) next.watermark = frozen.through;
  batch.Put(base->index(), slice(meta_key()), slice(encode(next)));
  rocksdb::WriteOptions writing;
  writing.disableWAL = true;  // The log says it all again after a crash.
  for (auto* part : {&first, &batch}) {
    if (part->Count() == 0) continue;
    const auto status = base->db().Write(writing, part);
    if (!status.ok()) {
      base->blame(status);
      write_error = rocks_error("write the index", status);
      refuse(write_error);
      return *write_error;
    }
  }
  meta = next;
  if (!to_index.empty()) return ok();
  Generation old = std::move(done);  // Freed when no reader waits.
  const std::lock_guard lock{tail_mutex};
  done = std::move(frozen);
  frozen = {};
  indexing = false;
  indexed_index = meta.watermark;
  return ok();
}

// -- one job ------------------------------------------------------------------

Status JobStore::Impl::index_job(IndexWrite& out, const TailJob& job) {
  if (job.forgotten) return index_removal(out, job);
  const auto ix = job.summary.spec_index;
  if (!job.indexed) index_new(out, job);
  const auto indexed = is_terminal(job.summary.state) ? index_end(out, job)
                                                      : index_live(out, job);
  if (!indexed) return indexed;
  auto first_seq = (job.summary.seq - job.events.size()) + 1;
  auto left = job.events;
  for (; left.size() >= kEventGroup; first_seq += kEventGroup) {
    const std::vector<std::uint64_t> group{left.begin(),
                                           left.begin() + kEventGroup};
    left.erase(left.begin(), left.begin() + kEventGroup);
    out.put(events_key(ix, static_cast<std::uint32_t>(first_seq)),
            encode_group(ix, group));
  }
  out.put(job_key(ix), encode(record_of(job)));
  return ok();
}

void JobStore::Impl::index_new(IndexWrite& out, const TailJob& job) {
  const auto ix = job.summary.spec_index;
  std::string number;
  put_varint(number, ix);
  out.put(id_key(job.summary.id), std::move(number));
  for_each_posting(*job.facts,
                   [&](Attribute attribute, std::string_view value) {
                     add_posting(out, attribute, value, ix);
                   });
  const auto [zone, is_new] = out.zones.try_emplace(
      zone_key(ix), Zone{job.submitted_ms, job.submitted_ms});
  if (!is_new) {
    zone->second.min_ms = std::min(zone->second.min_ms, job.submitted_ms);
    zone->second.max_ms = std::max(zone->second.max_ms, job.submitted_ms);
  }
  for (const auto& sha256 : job.facts->artifacts)
    out.put(artifact_key(sha256, ix));
  if (is_terminal(job.summary.state)) return;
  for (const auto on : job.facts->live.depends_on)
    out.put(dependent_key(on, ix));
}

Status JobStore::Impl::index_live(IndexWrite& out, const TailJob& job) {
  const auto ix = job.summary.spec_index;
  const auto state = job.summary.state;
  if (job.indexed == state) return ok();
  std::string value;
  if (job.facts) {
    value = encode_live(job.facts->live);
  } else {
    const auto held = get(*base, base->index(), live_key(*job.indexed, ix));
    if (!held) return held.error();
    if (!*held)
      return base->index_error("live job " + to_string(job.summary.id));
    value = **held;
  }
  out.put(live_key(state, ix), std::move(value));
  if (job.indexed) out.erase(live_key(*job.indexed, ix));
  return ok();
}

Status JobStore::Impl::index_end(IndexWrite& out, const TailJob& job) {
  const auto ix = job.summary.spec_index;
  if (job.indexed && is_terminal(*job.indexed)) return ok();
  if (job.indexed) {
    if (const auto removed = remove_dependents(out, job); !removed)
      return removed;
    out.erase(live_key(*job.indexed, ix));
  }
  add_posting(out, Attribute::ended_as, state_value(job.summary.state), ix);
  std::string number;
  put_varint(number, ix);
  out.put(ended_key(job.summary.end_index), std::move(number));
  for (const auto& sha256 : job.artifacts) out.put(artifact_key(sha256, ix));
  ++meta.ended_jobs;
  return ok();
}

Status JobStore::Impl::remove_dependents(IndexWrite& out, const TailJob& job) {
  if (!job.has_dependencies) return ok();
  const auto ix = job.summary.spec_index;
  LiveJob live;
  if (job.facts) {
    live.depends_on = job.facts->live.depends_on;
  } else {
    const auto held = get(*base, base->index(), live_key(*job.indexed, ix));
    if (!held) return held.error();
    if (*held) decode_live(**held, live);
  }
  for (const auto on : live.depends_on) out.erase(dependent_key(on, ix));
  return ok();
}

// After a crash the facts may be gone with the log's entries; postings that
// stay then lead nowhere, and listings pass over them.
Status JobStore::Impl::index_removal(IndexWrite& out, const TailJob& job) {
  out.put(tombstone_key(job.summary.id));
  out.erase(id_key(job.summary.id));
  if (!job.indexed) return ok();
  const auto ix = job.summary.spec_index;
  out.erase(job_key(ix));
  if (is_terminal(*job.indexed)) {
    out.erase(ended_key(job.summary.end_index));
    if (meta.ended_jobs > 0) --meta.ended_jobs;
  } else {
    if (const auto removed = remove_dependents(out, job); !removed)
      return removed;
    out.erase(live_key(*job.indexed, ix));
  }
  for (std::uint32_t seq = 1; seq + kEventGroup <= job.summary.seq + 1;
       seq += kEventGroup)
    out.erase(events_key(ix, seq));
  if (job.facts) {
    for_each_posting(*job.facts,
                     [&](Attribute attribute, std::string_view value) {
                       remove_posting(out, attribute, value, ix);
                     });
    for (const auto& sha256 : job.facts->artifacts)
      out.erase(artifact_key(sha256, ix));
  }
  remove_posting(out, Attribute::ended_as, state_value(job.summary.state), ix);
  for (const auto& sha256 : job.artifacts) out.erase(artifact_key(sha256, ix));
  return ok();
}

}  // namespace troupe
