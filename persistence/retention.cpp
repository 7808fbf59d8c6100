#include <rocksdb/write_batch.h>

#include <algorithm>

#include "persistence/job_store_impl.hpp"

namespace troupe {

using namespace storage;

namespace {

// Neighbouring entries leave as ranges from this length on.
constexpr std::size_t kRange = 64;

void delete_entries(rocksdb::WriteBatch& batch, const Database& base,
                    std::vector<std::uint64_t> indices) {
  std::ranges::sort(indices);
  for (std::size_t i = 0; i < indices.size();) {
    std::size_t end = i + 1;
    while (end < indices.size() && indices[end] == indices[end - 1] + 1) ++end;
    if (end - i >= kRange) {
      batch.DeleteRange(base.log(), slice(log_key(indices[i])),
                        slice(log_key(indices[end - 1] + 1)));
      i = end;
    }
    for (; i < end; ++i) batch.Delete(base.log(), slice(log_key(indices[i])));
  }
}

}  // namespace

Result<RetainResult> JobStore::retain_step(
    const RetentionPolicy& policy, UnixMs now,
    const std::function<bool(JobId)>& pinned) {
  if (impl_->write_error) return *impl_->write_error;
  return impl_->retain(policy, now, pinned);
}

// Decides from the index alone, so everything must be in it.
Result<RetainResult> JobStore::Impl::retain(
    const RetentionPolicy& policy, UnixMs now,
    const std::function<bool(JobId)>& pinned) {
  RetainResult result;
  const auto behind = index_step(options.max_unindexed, Unsynced::sync);
  if (!behind) return behind.error();
  result.more = *behind;
  if (*behind) return result;

  std::vector<TailJob> leaving;
  std::vector<std::uint64_t> entries;
  std::vector<std::string> artifacts;
  std::set<std::uint64_t> leaving_index;
  auto surplus = policy.max_jobs == 0 || meta.ended_jobs <= policy.max_jobs
                     ? 0
                     : meta.ended_jobs - policy.max_jobs;
  const auto prefix = ended_key(0).substr(0, 2);
  const std::unique_ptr<rocksdb::Iterator> it{
      base->db().NewIterator({}, base->index())};
  std::uint32_t looked_at = 0;
  bool finished = true;
  for (it->Seek(slice(ended_key(retained_after + 1)));
       it->Valid() && bytes_of(it->key()).starts_with(prefix); it->Next()) {
    if (looked_at++ >= policy.max_per_step) {
      finished = false;
      break;
    }
    const auto ended = entry(last_u64(bytes_of(it->key())));
    if (!ended) return ended.error();
    const bool too_old = policy.max_age_ms > 0 &&
                         ended->change.time_ms < now - policy.max_age_ms;
    if (surplus == 0 && !too_old) break;
    retained_after = ended->index;
    const JobId id = ended->change.job;
    const auto needed = is_needed(id);
    if (!needed) return needed.error();
    if (*needed || (pinned && pinned(id))) continue;
    auto job = find_indexed(id);
    if (!job) return job.error();
    const auto events = event_indices(*job, 0, job->summary.seq);
    if (!events) return events.error();
    const auto submitted = entry(job->summary.spec_index);
    if (!submitted) return submitted.error();
    if (submitted->change.spec) job->facts = facts_of(*submitted->change.spec);
    if (ended->change.end)
      for (const auto& file : ended->change.end->artifacts)
        job->artifacts.push_back(file.sha256);
    job->forgotten = true;
    entries.insert(entries.end(), events->begin(), events->end());
    if (job->facts)
      artifacts.insert(artifacts.end(), job->facts->artifacts.begin(),
                       job->facts->artifacts.end());
    artifacts.insert(artifacts.end(), job->artifacts.begin(),
                     job->artifacts.end());
    leaving_index.insert(job->summary.spec_index);
    leaving.push_back(*std::move(job));
    if (surplus > 0) --surplus;
  }
  if (!it->status().ok()) return base->index_error(it->status());
  result.more = !finished;
  if (finished) retained_after = 0;
  if (leaving.empty()) return result;

  auto orphaned = orphans(artifacts, leaving_index);
  if (!orphaned) return orphaned.error();
  result.orphaned = *std::move(orphaned);
  Staged staged;
  std::vector<Change> changes;
  for (TailJob& job : leaving) {
    Change change;
    change.type = ChangeType::forgotten;
    change.job = job.summary.id;
    change.time_ms = now;
    changes.push_back(std::move(change));
    staged.arriving.emplace(job.summary.id, std::move(job));
  }
  rocksdb::WriteBatch batch;
  delete_entries(batch, *base, std::move(entries));
  // Deletions cannot be taken back: should this write fail and yet be on disk,
  // it stays.
  keep_surplus = true;
  const auto written = append(changes, true, batch, staged);
  if (!written) return written.error();
  keep_surplus = false;
  result.forgotten = static_cast<std::uint32_t>(changes.size());
  return result;
}

Result<bool> JobStore::Impl::is_needed(JobId id) const {
  const auto prefix = dependent_prefix(id);
  const std::unique_ptr<rocksdb::Iterator> it{
      base->db().NewIterator({}, base->index())};
  it->Seek(slice(prefix));
  if (!it->status().ok()) return base->index_error(it->status());
  return it->Valid() && bytes_of(it->key()).starts_with(prefix);
}

Result<std::vector<std::string>> JobStore::Impl::orphans(
    const std::vector<std::string>& artifacts,
    const std::set<std::uint64_t>& leaving) const {
  std::vector<std::string> out;
  const std::set<std::string> distinct{artifacts.begin(), artifacts.end()};
  for (const auto& sha256 : distinct) {
    const auto prefix = artifact_prefix(sha256);
    const std::unique_ptr<rocksdb::Iterator> it{
        base->db().NewIterator({}, base->index())};
    bool referred = false;
    for (it->Seek(slice(prefix));
         it->Valid() && bytes_of(it->key()).starts_with(prefix); it->Next())
      referred |= !leaving.contains(last_u64(bytes_of(it->key())));
    if (!it->status().ok()) return base->index_error(it->status());
    if (!referred) out.push_back(sha256);
  }
  return out;
}

}  // namespace troupe
