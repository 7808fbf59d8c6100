#include "persistence/job_store.hpp"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "persistence/job_store_impl.hpp"

namespace troupe {

using namespace storage;

namespace {

bool has_submit(std::span<const Change> changes) {
  return std::ranges::any_of(changes, [](const Change& change) {
    return change.type == ChangeType::submitted;
  });
}

}  // namespace

Result<std::uint64_t> JobStore::commit(std::span<const Change> changes,
                                       bool sync) {
  Impl& s = *impl_;
  const bool submits = has_submit(changes);
  // A disk can fill up between two looks at it, and what was said of one that
  // was full before may be old.
  if (submits)
    if (const auto space = s.look_at_space(); !space) return space.error();
  if (const auto checked = s.check(changes, submits); !checked)
    return checked.error();
  auto first = s.commit(changes, sync);
  if (!first && first.error().code == Errc::disk_full && s.has_reserve &&
      !submits) {
    s.drop_reserve();
    if (const auto recovered = s.recover(); !recovered) return first;
    first = s.commit(changes, sync);
  }
  while (first && s.fresh_entries >= s.options.max_unindexed) {
    const auto more =
        s.index_step(s.options.max_unindexed, Impl::Unsynced::sync);
    if (!more) s.write_error = more.error();
    if (!more || !*more) break;
  }
  return first;
}

Result<std::uint64_t> JobStore::Impl::commit(std::span<const Change> changes,
                                             bool sync) {
  Staged staged;
  staged.arriving.reserve(changes.size());
  auto index = last_index + 1;
  for (const Change& change : changes)
    if (const auto allowed = stage(index++, change, staged); !allowed)
      return allowed.error();
  rocksdb::WriteBatch batch;
  return append(changes, sync, batch, staged);
}

Status JobStore::Impl::check(std::span<const Change> changes,
                             bool submits) const {
  if (changes.empty())
    return Error{Errc::invalid_argument, "a commit of nothing"};
  if (write_error) return *write_error;
  for (const Change& change : changes)
    if (change.type == ChangeType::opened ||
        change.type == ChangeType::forgotten)
      return Error{Errc::invalid_argument,
                   "only the store itself commits '" +
                       std::string(to_string(change.type)) + "'"};
  if (!submits) return ok();
  const std::lock_guard lock{refusal_mutex};
  if (refusal) return *refusal;
  return ok();
}

Result<std::optional<JobStore::Impl::TailJob>> JobStore::Impl::current(
    JobId id) {
  const auto known = [&](const TailJob& job) -> Result<std::optional<TailJob>> {
    if (job.forgotten) return gone(id);
    return std::optional<TailJob>{job};
  };
  if (const auto* job = fresh.find(id)) return known(*job);
  if (const auto* job = frozen.find(id))
    return job->forgotten ? known(*job) : known(successor(*job));
  if (const auto* job = done.find(id))
    return job->forgotten ? known(*job) : known(successor(*job));
  if (highest_id < id) return std::optional<TailJob>{};
  auto job = find_indexed(id);
  if (job) return std::optional<TailJob>{*std::move(job)};
  if (job.error().code == Errc::not_found) return std::optional<TailJob>{};
  return job.error();
}

Status JobStore::Impl::stage(std::uint64_t index, const Change& change,
                             Staged& staged) {
  if (!is_of_a_job(change.type)) return ok();
  auto it = staged.arriving.find(change.job);
  if (it == staged.arriving.end()) {
    const auto there = fresh.jobs.find(change.job);
    if (there != fresh.jobs.end() && !there->second.forgotten) {
      auto& known =
          staged.known
              .try_emplace(change.job,
                           Staged::Known{&there->second, there->second.summary})
              .first->second;
      return stage_known(index, change, staged, known);
    }
    auto job = current(change.job);
    if (!job) return job.error();
    if (!*job && change.type != ChangeType::submitted)
      return unknown_job(change.job);
    it =
        staged.arriving.emplace(change.job, *job ? std::move(**job) : TailJob{})
            .first;
  }
  TailJob& job = it->second;
  if (change.type == ChangeType::submitted && job.summary.seq != 0)
    return Error{Errc::already_exists,
                 "job " + to_string(change.job) + " is here already"};
  if (const auto applied = apply(job.summary, index, change); !applied)
    return applied.error();
  take_in(job, index, change);
  return ok();
}

Status JobStore::Impl::stage_known(std::uint64_t index, const Change& change,
                                   Staged& staged, Staged::Known& known) {
  if (change.type == ChangeType::submitted)
    return Error{Errc::already_exists,
                 "job " + to_string(change.job) + " is here already"};
  if (const auto applied = apply(known.summary, index, change); !applied)
    return applied.error();
  staged.steps.push_back({known.job, index, &change});
  return ok();
}

Result<std::uint64_t> JobStore::Impl::append(std::span<const Change> changes,
                                             bool sync,
                                             rocksdb::WriteBatch& batch,
                                             Staged& staged) {
  const auto first = last_index + 1;
  auto index = first;
  for (const Change& change : changes) {
    scratch.clear();
    append_record(scratch, epoch, change);
    if (scratch.size() > options.max_record_bytes)
      return Error{Errc::too_large,
                   "a record of " + std::to_string(scratch.size()) +
                       " bytes, allowed are " +
                       std::to_string(options.max_record_bytes) +
                       "; pass large parameters as artifacts"};
    batch.Put(base->log(), slice(log_key(index)), slice(scratch));
    if (change.type == ChangeType::control)
      batch.Put(base->meta(), slice(order_key(index)), {});
    ++index;
  }
  if (const auto written = write(batch, sync); !written) return written.error();
  const std::lock_guard lock{tail_mutex};
  last_index = fresh.through = first + changes.size() - 1;
  fresh_entries += changes.size();
  for (const auto& step : staged.steps)
    take_in(*step.job, step.index, *step.change);
  for (auto& [id, known] : staged.known) known.job->summary = known.summary;
  for (auto& [id, job] : staged.arriving) {
    highest_id = std::max(highest_id, id);
    fresh.jobs.insert_or_assign(id, std::move(job));
  }
  if (sync && options.sync) {
    synced_index = last_index;
    mark.advance({synced_index, base->db().GetLatestSequenceNumber()});
  }
  return first;
}

Status JobStore::Impl::write(rocksdb::WriteBatch& batch, bool sync) {
  rocksdb::WriteOptions writing;
  writing.sync = sync && options.sync && !options.test_hooks.answer_before_sync;
  const auto status = base->db().Write(writing, &batch);
  if (status.ok()) return ok();
  base->blame(status);
  write_error = rocks_error("write the log", status);
  refuse(write_error);
  return *write_error;
}

std::uint64_t JobStore::epoch() const {
  return impl_->epoch;
}
const std::string& JobStore::store_id() const {
  return impl_->store_id;
}
std::uint64_t JobStore::last_index() const {
  return impl_->last_index;
}
std::uint64_t JobStore::indexed_index() const {
  return impl_->indexed_index;
}

}  // namespace troupe
