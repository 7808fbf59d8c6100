// Opening a store: what the log holds beyond the index is taken in, and what
// was acknowledged and is not there stops the start.
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "core/clock.hpp"
#include "persistence/job_store_impl.hpp"
#include "persistence/manifest.hpp"
#include "persistence/wal_check.hpp"
#include "platform/file.hpp"

namespace troupe {

using namespace storage;

namespace {

constexpr std::string_view kStoreIdKey = "store_id";

std::string draw_store_id() {
  const auto random = system_random();
  return to_string(JobId{random->next(), random->next()});
}

}  // namespace

Result<std::optional<LogEntry>> storage::newest_entry(const Database& base) {
  std::unique_ptr<rocksdb::Iterator> it{base.db().NewIterator({}, base.log())};
  it->SeekToLast();
  if (!it->status().ok()) return base.read_error("read the log", it->status());
  if (!it->Valid()) return std::optional<LogEntry>{};
  const auto index = log_index(bytes_of(it->key()));
  if (!index) return Error{Errc::corrupt, "the log holds a foreign key"};
  auto newest = decode_record(*index, bytes_of(it->value()));
  if (!newest) return newest.error();
  return std::optional{*std::move(newest)};
}

Result<std::unique_ptr<JobStore>> JobStore::open(
    const std::filesystem::path& dir, const StoreOptions& options, UnixMs now) {
  if (const auto whole = check_finished(dir); !whole) return whole.error();
  if (const auto made = platform::make_dirs(dir); !made) return made.error();
  auto mark = SyncedMark::open(dir / "synced");
  if (!mark) return mark.error();
  auto impl = std::make_unique<Impl>(dir, options, *std::move(mark));
  if (const auto held = impl->take_lock(); !held) return held.error();
  if (const auto opened = impl->open_database(); !opened) return opened.error();
  if (const auto loaded = impl->load(); !loaded) return loaded.error();
  if (const auto nothing_lost = impl->check_nothing_lost(); !nothing_lost)
    return nothing_lost.error();
  auto id = impl->take_store_id();
  if (!id) return id.error();
  impl->store_id = *std::move(id);
  if (const auto raised = impl->open_epoch(now); !raised) return raised.error();
  std::error_code none;
  const auto reserve = std::filesystem::file_size(dir / "reserve", none);
  impl->has_reserve =
      !none && options.reserve_bytes > 0 && reserve >= options.reserve_bytes;
  std::unique_ptr<JobStore> store{new JobStore{std::move(impl)}};
  store->refresh();
  return store;
}

JobStore::JobStore(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
JobStore::~JobStore() = default;

// RocksDB's own lock is given up whenever a recovery opens the database anew.
Status JobStore::Impl::take_lock() {
  auto held = platform::FolderLock::acquire(dir);
  if (!held && held.error().code == Errc::disk_full) {
    drop_reserve();
    held = platform::FolderLock::acquire(dir);
  }
  if (!held) return held.error();
  lock.emplace(*std::move(held));
  return ok();
}

// Read without the index, which a start makes anew.
Result<bool> JobStore::Impl::holds(std::uint64_t index) const {
  const auto opened = Database::open_log_read_only(database_dir(dir), options);
  if (!opened) return opened.error();
  const auto newest = newest_entry(**opened);
  if (!newest) return newest.error();
  return *newest && (*newest)->index >= index;
}

// RocksDB must not touch a damaged log, of which it would drop what lies
// behind the damage, nor follow a MANIFEST whose last records are missing: it
// would remove the files that they name.
Status JobStore::Impl::check_before_opening() const {
  const auto where = database_dir(dir);
  const auto acknowledged = mark.value();
  const auto wal = check_wal(where);
  if (!wal) return wal.error();
  const auto end = read_manifest_end(where);
  if (!end) return end.error();
  if (acknowledged.index == 0) return ok();
  // A log whose entries are all in tables is gone, and the next one may be torn
  // before its first sync: then what is left of the logs ends before the mark.
  const bool short_of_log =
      wal->damage && wal->last_sequence < acknowledged.sequence;
  if (!short_of_log && end->vouched_for) return ok();
  const auto there = holds(acknowledged.index);
  if (there && *there) return ok();
  if (short_of_log)
    return lost(wal->damage->file, 0, acknowledged.index,
                " at byte " + std::to_string(wal->damage->offset));
  if (!there) return there.error();
  return lost(where, 0, acknowledged.index, " (a file is cut off or missing)");
}

Status JobStore::Impl::open_database() {
  const auto where = database_dir(dir);
  if (const auto right = check_before_opening(); !right) return right;
  auto opened = Database::open(where, options);
  if (!opened && opened.error().code == Errc::disk_full) {
    drop_reserve();
    opened = Database::open(where, options);
  }
  if (!opened) return opened.error();
  base = *std::move(opened);
  return ok();
}

Status JobStore::Impl::check_nothing_lost() const {
  if (last_index >= mark.value().index) return ok();
  return lost(database_dir(dir), last_index, mark.value().index,
              " (a file is cut off or missing)");
}

Status JobStore::Impl::load() {
  const bool known = base->index_is_damaged();
  if (!known) {
    const auto loaded = load_once();
    if (loaded || !base->index_is_damaged()) return loaded;
  }
  // A log that is damaged too would not give it all back: then an index with
  // a damage is worth more than none.
  if (const auto whole = base->read_whole_log(); !whole) {
    if (!known) return whole;
    if (options.tell)
      options.tell("the damaged index stays: " + whole.error().message);
    return load_once() ? ok() : whole;
  }
  tell_of_new_index(options, base->index_damage());
  if (const auto cleared = base->clear_index(); !cleared) return cleared;
  return load_once();
}

Status JobStore::Impl::load_once() {
  fresh = frozen = done = {};
  fresh_entries = 0;
  indexing = false;
  to_index.clear();
  meta = {};
  highest_id = {};
  retained_after = 0;
  const auto newest = newest_entry(*base);
  if (!newest) return newest.error();
  const auto last = *newest ? (*newest)->index : 0;
  if (*newest) epoch = std::max(epoch, (*newest)->epoch);
  last_index = synced_index = last;
  const auto bytes = get(*base, base->index(), meta_key());
  if (!bytes) return bytes.error();
  const auto stored = *bytes ? decode_meta(**bytes) : IndexMeta{};
  if (stored && stored->watermark <= last) {
    meta = *stored;
  } else if (const auto cleared = base->clear_index(); !cleared) {
    return cleared.error();  // Another format, or ahead of the log.
  }
  indexed_index = meta.watermark;
  return replay();
}

// The newest id that was ever indexed, of those alive and those forgotten.
static Result<JobId> highest_indexed(const Database& base) {
  JobId highest;
  for (const auto& prefix : {id_key({}), tombstone_key({})}) {
    std::unique_ptr<rocksdb::Iterator> it{
        base.db().NewIterator({}, base.index())};
    auto end = prefix.substr(0, 2);
    ++end.back();
    it->SeekForPrev(slice(end));
    if (!it->status().ok()) return base.index_error(it->status());
    const auto key = it->Valid() ? bytes_of(it->key()) : std::string_view{};
    if (!key.starts_with(prefix.substr(0, 2))) continue;
    highest = std::max(highest, ByteReader{key.substr(2)}.id());
  }
  return highest;
}

Status JobStore::Impl::replay() {
  const auto highest = highest_indexed(*base);
  if (!highest) return highest.error();
  highest_id = *highest;
  rocksdb::ReadOptions reading;
  reading.readahead_size = 2 << 20;
  reading.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> it{
      base->db().NewIterator(reading, base->log())};
  for (it->Seek(slice(log_key(meta.watermark + 1))); it->Valid(); it->Next()) {
    const auto at = log_index(bytes_of(it->key()));
    if (!at) return Error{Errc::corrupt, "the log holds a foreign key"};
    const auto entry = decode_record(*at, bytes_of(it->value()));
    if (!entry) return entry.error();
    if (const auto taken = replay_entry(*entry); !taken) return taken.error();
    fresh.through = *at;
    ++fresh_entries;
    if (fresh_entries < options.max_unindexed || write_error) continue;
    for (bool more = true; more;) {
      const auto step = index_step(options.max_unindexed, Unsynced::sync);
      if (!step) return step.error();
      more = *step;
    }
  }
  if (!it->status().ok()) return base->read_error("read the log", it->status());
  return ok();
}

// The index may already hold this entry: then it changes nothing.
Status JobStore::Impl::replay_entry(const LogEntry& entry) {
  const Change& change = entry.change;
  if (!is_of_a_job(change.type) && change.type != ChangeType::forgotten)
    return ok();
  auto job = current(change.job);
  if (!job && job.error().code == Errc::forgotten) return ok();
  if (!job) return job.error();
  if (change.type == ChangeType::forgotten) {
    auto& gone = fresh.jobs[change.job];
    if (*job) gone = **job;
    gone.summary.id = change.job;
    gone.forgotten = true;
    highest_id = std::max(highest_id, change.job);
    return ok();
  }
  if (*job && change.seq <= (*job)->summary.seq) return ok();
  TailJob next = *job ? std::move(**job) : TailJob{};
  if (const auto applied = apply(next.summary, entry.index, change); !applied)
    return applied.error();
  take_in(next, entry.index, change);
  highest_id = std::max(highest_id, change.job);
  fresh.jobs.insert_or_assign(change.job, std::move(next));
  return ok();
}

Result<std::string> JobStore::Impl::take_store_id() {
  const auto copied = dir / "copied";
  std::error_code ignored;
  const bool is_copy = std::filesystem::exists(copied, ignored);
  const auto held = get(*base, base->meta(), kStoreIdKey);
  if (!held) return held.error();
  if (*held && !is_copy) return **held;
  const auto id = draw_store_id();
  rocksdb::WriteOptions writing;
  writing.sync = options.sync;
  const auto status =
      base->db().Put(writing, base->meta(), slice(kStoreIdKey), slice(id));
  if (!status.ok()) return rocks_error("write the store's id", status);
  if (is_copy) {
    std::filesystem::remove(copied, ignored);
    if (const auto synced = platform::sync_dir(dir); !synced)
      return synced.error();
  }
  return id;
}

Status JobStore::Impl::open_epoch(UnixMs now) {
  ++epoch;
  Change opened;
  opened.type = ChangeType::opened;
  opened.time_ms = now;
  rocksdb::WriteBatch batch;
  Staged none;
  const auto index = append({&opened, 1}, true, batch, none);
  if (!index) return index.error();
  return ok();
}

}  // namespace troupe
