#include "persistence/store_check.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "persistence/format.hpp"
#include "persistence/job_store_impl.hpp"
#include "persistence/manifest.hpp"
#include "persistence/wal_check.hpp"
#include "platform/file.hpp"

namespace troupe {

using namespace storage;

namespace {

Status check_nobody_has(const std::filesystem::path& dir) {
  const platform::Fd fd{::open((dir / "lock").c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd || ::flock(fd.get(), LOCK_SH | LOCK_NB) == 0) return ok();
  return Error{Errc::locked, dir.string() + " is in use by another process"};
}

Result<SyncedMark::Value> read_mark(const std::filesystem::path& dir) {
  const auto bytes = platform::read_file(dir / "synced");
  if (!bytes && bytes.error().code != Errc::not_found) return bytes.error();
  if (!bytes || bytes->size() != 16) return SyncedMark::Value{};
  return SyncedMark::Value{get_u64(bytes->data()), get_u64(bytes->data() + 8)};
}

// Of the log; 0: it is empty.
Result<std::uint64_t> newest_index(const Database& base) {
  std::unique_ptr<rocksdb::Iterator> it{base.db().NewIterator({}, base.log())};
  it->SeekToLast();
  if (!it->status().ok()) return rocks_error("read the log", it->status());
  if (!it->Valid()) return std::uint64_t{0};
  const auto index = log_index(bytes_of(it->key()));
  if (!index) return Error{Errc::corrupt, "the log holds a foreign key"};
  return *index;
}

Status check_database(const std::filesystem::path& db,
                      const SyncedMark::Value& mark, const WalReport& wal) {
  const auto opened = Database::open_read_only(db, {});
  if (!opened) return opened.error();
  const auto newest = newest_index(**opened);
  if (!newest) return newest.error();
  if (*newest < mark.index)
    return wal.damage ? lost(wal.damage->file, 0, mark.index,
                             " at byte " + std::to_string(wal.damage->offset))
                      : lost(db, *newest, mark.index,
                             " (a file is cut off or missing)");
  const auto tables = (*opened)->db().VerifyChecksum();
  if (!tables.ok()) return rocks_error("check " + db.string(), tables);
  return ok();
}

}  // namespace

Status check_store(const std::filesystem::path& dir) {
  const auto db = database_dir(dir);
  if (const auto alone = check_nobody_has(dir); !alone) return alone;
  const auto mark = read_mark(dir);
  if (!mark) return mark.error();
  std::error_code failed;
  if (!std::filesystem::exists(db / "CURRENT", failed) && !failed) {
    if (mark->index == 0) return ok();
    return lost(db, 0, mark->index, " (a file is cut off or missing)");
  }
  const auto wal = check_wal(db);
  if (!wal) return wal.error();
  const auto torn = has_torn_manifest(db);
  if (!torn) return torn.error();
  if (*torn) return ok();  // RocksDB reads it when open() has cut it.
  return check_database(db, *mark, *wal);
}

}  // namespace troupe
