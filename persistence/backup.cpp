#include <rocksdb/utilities/checkpoint.h>

#include "persistence/job_store_impl.hpp"
#include "platform/file.hpp"

namespace troupe {

using namespace storage;

constexpr const char* kUnfinished = "unfinished";

Status storage::check_finished(const std::filesystem::path& dir) {
  std::error_code ignored;
  if (!std::filesystem::exists(dir / kUnfinished, ignored)) return ok();
  return Error{Errc::corrupt, dir.string() +
                                  " is of a backup that was never finished; "
                                  "remove the folder and make another"};
}

// The mark of a copy comes first: whatever a crash leaves here never opens
// under the original's store id, nor at all before all of it is there.
Status JobStore::backup(const std::filesystem::path& dir) const {
  const std::shared_lock lock{impl_->base_mutex};
  // RocksDB cannot copy what it could not write: with assertions, as Debian
  // builds it, the attempt would end the process.
  {
    const std::lock_guard guard{impl_->refusal_mutex};
    if (impl_->broken) {
      auto why = *impl_->refusal;
      why.message = "no backup while the store takes no writes: " + why.message;
      return why;
    }
  }
  std::error_code failed;
  if (std::filesystem::exists(dir / "db", failed))
    return Error{Errc::already_exists,
                 dir.string() + " holds a store already; name a new folder"};
  if (const auto made = platform::make_dirs(dir); !made) return made;
  if (const auto marked = platform::write_file_atomically(
          dir / "copied", impl_->store_id + "\n");
      !marked)
    return marked;
  if (const auto begun = platform::write_file_atomically(dir / kUnfinished, "");
      !begun)
    return begun;
  // Read before the checkpoint, which holds at least that much.
  const auto mark = SyncedMark::read(impl_->dir / "synced");
  if (!mark) return mark.error();
  if (const auto kept = SyncedMark::write(dir / "synced", *mark); !kept)
    return kept;
  rocksdb::Checkpoint* raw = nullptr;
  auto status = rocksdb::Checkpoint::Create(&impl_->base->db(), &raw);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint{raw};
  if (status.ok()) status = checkpoint->CreateCheckpoint((dir / "db").string());
  if (!status.ok()) return rocks_error("back up to " + dir.string(), status);
  return platform::sync_dir(dir);
}

Status JobStore::finish_backup(const std::filesystem::path& dir) {
  if (auto whole = check_copy(dir); !whole) {
    auto why = whole.error();
    why.message =
        "no backup: the copy, and so most likely the store, is "
        "damaged: " +
        why.message;
    return why;
  }
  std::error_code failed;
  std::filesystem::remove(dir / kUnfinished, failed);
  if (failed)
    return Error{Errc::io_error,
                 "finish " + dir.string() + ": " + failed.message()};
  return platform::sync_dir(dir);
}

}  // namespace troupe
