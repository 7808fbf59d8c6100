#include <rocksdb/iterator.h>

#include <algorithm>
#include <map>
#include <set>

#include "persistence/job_store_impl.hpp"

namespace troupe {

using namespace storage;

Result<std::optional<std::string>> storage::get(
    const Database& base, rocksdb::ColumnFamilyHandle* family,
    std::string_view key, const rocksdb::Snapshot* at) {
  rocksdb::ReadOptions reading;
  reading.snapshot = at;
  rocksdb::PinnableSlice value;
  const auto status = base.db().Get(reading, family, slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>{};
  if (!status.ok())
    return family == base.index() ? base.index_error(status)
                                  : base.read_error("read the store", status);
  return std::optional<std::string>{value.ToString()};
}

// -- one job ------------------------------------------------------------------

Error JobStore::Impl::gone(JobId id) const {
  return {Errc::forgotten,
          "job " + to_string(id) + " existed; retention has removed it"};
}

Result<JobStore::Impl::TailJob> JobStore::Impl::find(JobId id) const {
  {
    const std::lock_guard lock{tail_mutex};
    // What a client just made: nobody need look.
    if (highest_id < id) return unknown_job(id);
    for (const auto* generation : {&fresh, &frozen})
      if (const auto* job = generation->find(id)) {
        if (job->forgotten) return gone(id);
        return *job;
      }
  }
  return find_indexed(id);
}

Result<JobStore::Impl::TailJob> JobStore::Impl::find_indexed(JobId id) const {
  const auto number = get(*base, base->index(), id_key(id));
  if (!number) return number.error();
  if (!*number) {
    const auto tombstone = get(*base, base->index(), tombstone_key(id));
    if (!tombstone) return tombstone.error();
    if (*tombstone) return gone(id);
    return unknown_job(id);
  }
  const auto ix = ByteReader{**number}.varint();
  const auto bytes = get(*base, base->index(), job_key(ix));
  if (!bytes) return bytes.error();
  // Between the two reads retention may have removed it.
  if (!*bytes) return gone(id);
  auto record = decode_job(ix, **bytes);
  if (!record) return base->index_error("job " + to_string(id));
  return tail_job(*std::move(record));
}

Result<LogEntry> JobStore::Impl::entry(std::uint64_t index) const {
  const auto bytes = get(*base, base->log(), log_key(index));
  if (!bytes) return bytes.error();
  if (!*bytes)
    return Error{Errc::forgotten, "log entry " + std::to_string(index) +
                                      " is not there; retention removes the "
                                      "entries of forgotten jobs"};
  return decode_record(index, **bytes);
}

void make_brief(JobView& view) {
  view.spec.params.clear();
  view.result.clear();
  if (view.failure) view.failure->last_lines.clear();
}

Result<JobView> JobStore::Impl::view_of(const TailJob& job, bool brief) const {
  const JobSummary& s = job.summary;
  JobView view;
  view.state = s.state;
  view.attempt = s.attempt;
  view.seq = s.seq;
  view.not_before_ms = s.not_before_ms;
  auto submitted = entry(s.spec_index);
  if (!submitted) return submitted.error();
  if (!submitted->change.spec)
    return Error{Errc::corrupt, "job " + to_string(s.id) + " has no spec"};
  view.spec = *std::move(submitted->change.spec);
  if (s.start_index != 0) {
    const auto started = entry(s.start_index);
    if (!started) return started.error();
    view.started_ms = started->change.time_ms;
    if (started->change.start) view.device = started->change.start->device;
  }
  if (s.requeue_index != 0 && s.end_index == 0) {
    auto requeued = entry(s.requeue_index);
    if (!requeued) return requeued.error();
    if (requeued->change.requeue)
      view.failure = std::move(requeued->change.requeue->failure);
  }
  if (s.end_index != 0) {
    auto ended = entry(s.end_index);
    if (!ended) return ended.error();
    view.ended_ms = ended->change.time_ms;
    if (ended->change.end) {
      view.failure = std::move(ended->change.end->failure);
      view.result = std::move(ended->change.end->result);
      view.artifacts = std::move(ended->change.end->artifacts);
    }
  }
  if (brief) make_brief(view);
  return view;
}

Result<JobSummary> JobStore::summary(JobId id) const {
  const std::shared_lock lock{impl_->base_mutex};
  const auto job = impl_->find(id);
  if (!job) return job.error();
  return job->summary;
}

Result<JobView> JobStore::view(JobId id) const {
  const std::shared_lock lock{impl_->base_mutex};
  const auto job = impl_->find(id);
  if (!job) return job.error();
  return impl_->view_of(*job, false);
}

Result<JobSpec> JobStore::spec(JobId id) const {
  const auto found = summary(id);
  if (!found) return found.error();
  auto one = specs({&found->spec_index, 1});
  if (!one) return one.error();
  return std::move(one->front());
}

Result<JobEnd> JobStore::end(JobId id) const {
  const std::shared_lock lock{impl_->base_mutex};
  const auto job = impl_->find(id);
  if (!job) return job.error();
  if (job->summary.end_index == 0)
    return Error{Errc::unavailable,
                 "job " + to_string(id) + " is " +
                     std::string(to_string(job->summary.state)) +
                     ", not ended"};
  auto ended = impl_->entry(job->summary.end_index);
  if (!ended) return ended.error();
  if (!ended->change.end)
    return Error{Errc::corrupt, "job " + to_string(id) + " has no end"};
  return *std::move(ended->change.end);
}

Result<std::vector<JobSpec>> JobStore::specs(
    std::span<const std::uint64_t> spec_index) const {
  const std::shared_lock lock{impl_->base_mutex};
  std::vector<JobSpec> out;
  out.reserve(spec_index.size());
  for (const auto index : spec_index) {
    auto entry = impl_->entry(index);
    if (!entry) return entry.error();
    if (!entry->change.spec)
      return Error{Errc::corrupt,
                   "log entry " + std::to_string(index) + " has no spec"};
    out.push_back(*std::move(entry->change.spec));
  }
  return out;
}

// -- events -------------------------------------------------------------------

Result<std::vector<std::uint64_t>> JobStore::Impl::event_indices(
    const TailJob& job, std::uint32_t after_seq, std::size_t max) const {
  std::vector<std::uint64_t> out;
  const auto in_memory = static_cast<std::uint32_t>(job.events.size());
  const auto base_seq = job.summary.seq - in_memory;
  auto seq = after_seq;
  while (seq < base_seq && out.size() < max) {
    const auto group_start = seq / kEventGroup * kEventGroup;
    const auto bytes = get(*base, base->index(),
                           events_key(job.summary.spec_index, group_start + 1));
    if (!bytes) return bytes.error();
    const auto group =
        *bytes ? decode_group(job.summary.spec_index, **bytes) : std::nullopt;
    if (!group)
      return Error{Errc::corrupt, "the index entry of the events of job " +
                                      to_string(job.summary.id)};
    for (; seq < group_start + kEventGroup && out.size() < max; ++seq)
      out.push_back((*group)[seq - group_start]);
  }
  for (; seq < job.summary.seq && out.size() < max; ++seq)
    out.push_back(job.events[seq - base_seq]);
  return out;
}

Result<std::vector<LogEntry>> JobStore::job_events(
    JobId id, std::uint32_t after_seq, std::size_t max,
    std::size_t max_bytes) const {
  const std::shared_lock lock{impl_->base_mutex};
  const auto job = impl_->find(id);
  if (!job) return job.error();
  const auto indices = impl_->event_indices(*job, after_seq, max);
  if (!indices) return indices.error();
  max_bytes = std::min<std::size_t>(max_bytes, impl_->options.max_page_bytes);
  std::vector<LogEntry> out;
  std::size_t bytes = 0;
  for (const auto index : *indices) {
    const auto value = get(*impl_->base, impl_->base->log(), log_key(index));
    if (!value) return value.error();
    if (!*value) return impl_->gone(id);
    bytes += (*value)->size();
    if (bytes > max_bytes && !out.empty()) break;
    auto entry = decode_record(index, **value);
    if (!entry) return entry.error();
    out.push_back(*std::move(entry));
  }
  return out;
}

Result<std::vector<LogEntry>> JobStore::log_after(std::uint64_t after,
                                                  std::size_t max,
                                                  std::size_t max_bytes) const {
  const std::shared_lock lock{impl_->base_mutex};
  std::vector<LogEntry> out;
  if (after >= impl_->last_index) return out;
  max_bytes = std::min<std::size_t>(max_bytes, impl_->options.max_page_bytes);
  const std::unique_ptr<rocksdb::Iterator> it{
      impl_->base->db().NewIterator({}, impl_->base->log())};
  std::size_t bytes = 0;
  for (it->Seek(slice(log_key(after + 1))); it->Valid() && out.size() < max;
       it->Next()) {
    bytes += it->value().size();
    if (bytes > max_bytes && !out.empty()) break;
    const auto index = log_index(bytes_of(it->key()));
    if (!index) return Error{Errc::corrupt, "the log holds a foreign key"};
    auto entry = decode_record(*index, bytes_of(it->value()));
    if (!entry) return entry.error();
    out.push_back(*std::move(entry));
  }
  if (!it->status().ok())
    return impl_->base->read_error("read the log", it->status());
  return out;
}

Result<bool> JobStore::refers_to(const std::string& sha256) const {
  const std::shared_lock lock{impl_->base_mutex};
  // The index may still hold them.
  std::set<std::uint64_t> forgotten;
  {
    const std::lock_guard tail_lock{impl_->tail_mutex};
    for (const auto* generation : {&impl_->fresh, &impl_->frozen})
      for (const auto& [id, job] : generation->jobs) {
        if (job.forgotten) forgotten.insert(job.summary.spec_index);
        if (forgotten.contains(job.summary.spec_index)) continue;
        if (std::ranges::count(job.artifacts, sha256) > 0) return true;
        if (job.facts && std::ranges::count(job.facts->artifacts, sha256) > 0)
          return true;
      }
  }
  const auto prefix = artifact_prefix(sha256);
  const std::unique_ptr<rocksdb::Iterator> it{
      impl_->base->db().NewIterator({}, impl_->base->index())};
  for (it->Seek(slice(prefix));
       it->Valid() && bytes_of(it->key()).starts_with(prefix); it->Next()) {
    const auto place = last_u64(bytes_of(it->key()));
    if (forgotten.contains(place)) continue;
    // What a crash during a removal left behind leads to no job.
    const auto job = get(*impl_->base, impl_->base->index(), job_key(place));
    if (!job) return job.error();
    if (*job) return true;
  }
  if (!it->status().ok()) return impl_->base->index_error(it->status());
  return false;
}

}  // namespace troupe
