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

Status check_tables(const Database& base) {
  const auto status = base.db().VerifyChecksum();
  if (!status.ok()) return rocks_error("check the tables", status);
  return ok();
}

Status check_nothing_lost(const std::filesystem::path& db, const Database& base,
                          const SyncedMark::Value& mark, const WalReport& wal) {
  const auto newest = newest_entry(base);
  if (!newest) return newest.error();
  const auto last = *newest ? (*newest)->index : 0;
  if (last >= mark.index) return ok();
  return wal.damage
             ? lost(wal.damage->file, 0, mark.index,
                    " at byte " + std::to_string(wal.damage->offset))
             : lost(db, last, mark.index, " (a file is cut off or missing)");
}

// `damage` is the index's where all is right without it.
Result<StoreCheck> check_without_index(const std::filesystem::path& db,
                                       const SyncedMark::Value& mark,
                                       const WalReport& wal,
                                       const Error& damage) {
  if (damage.code != Errc::corrupt) return damage;
  const auto log = Database::open_log_read_only(db, {});
  if (!log || !check_nothing_lost(db, **log, mark, wal) || !check_tables(**log))
    return damage;
  return StoreCheck{without_advice(damage.message)};
}

Result<StoreCheck> check_database(const std::filesystem::path& db,
                                  const SyncedMark::Value& mark,
                                  const WalReport& wal) {
  const auto base = Database::open_read_only(db, {});
  if (!base) return check_without_index(db, mark, wal, base.error());
  if (const auto all = check_nothing_lost(db, **base, mark, wal); !all)
    return all.error();
  if (const auto right = check_tables(**base); !right)
    return check_without_index(db, mark, wal, right.error());
  if (!(*base)->index_is_damaged()) return StoreCheck{};
  return StoreCheck{(*base)->index_damage()};
}

Result<StoreCheck> check_files(const std::filesystem::path& db,
                               const SyncedMark::Value& mark) {
  const auto wal = check_wal(db);
  if (!wal) return wal.error();
  return check_database(db, mark, *wal);
}

}  // namespace

Status storage::check_copy(const std::filesystem::path& dir) {
  const auto mark = SyncedMark::read(dir / "synced");
  if (!mark) return mark.error();
  const auto checked = check_files(database_dir(dir), *mark);
  if (!checked) return checked.error();
  return ok();
}

std::string damage_found(const std::filesystem::path& dir) {
  const auto text = platform::read_file(log_damage_file(database_dir(dir)));
  return text ? *text : std::string{};
}

Result<StoreCheck> check_store(const std::filesystem::path& dir) {
  if (const auto finished = check_finished(dir); !finished)
    return finished.error();
  const auto db = database_dir(dir);
  if (const auto alone = check_nobody_has(dir); !alone) return alone.error();
  const auto mark = SyncedMark::read(dir / "synced");
  if (!mark) return mark.error();
  if (const auto end = read_manifest_end(db); !end) return end.error();
  std::error_code failed;
  if (!std::filesystem::exists(db / "CURRENT", failed) && !failed) {
    if (mark->index == 0) return StoreCheck{};
    return lost(db, 0, mark->index, " (a file is cut off or missing)");
  }
  return check_files(db, *mark);
}

}  // namespace troupe
