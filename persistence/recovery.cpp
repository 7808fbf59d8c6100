// What the store does when the disk does not: stop, say why, come back.
#include <rocksdb/file_system.h>
#include <rocksdb/write_batch.h>

#include "core/amounts.hpp"
#include "persistence/job_store_impl.hpp"
#include "platform/file.hpp"

namespace troupe {

using namespace storage;

std::filesystem::path storage::database_dir(const std::filesystem::path& dir) {
  return dir / "db";
}

Error storage::lost(const std::filesystem::path& what, std::uint64_t have,
                    std::uint64_t need, std::string_view where) {
  return {Errc::corrupt,
          what.string() + " is damaged" + std::string(where) +
              ": entries up to " + std::to_string(need) +
              " were acknowledged, " +
              (have == 0 ? std::string("some")
                         : "those after " + std::to_string(have)) +
              " are lost; restore a backup, or remove the file 'synced' "
              "beside it to go on with what is left"};
}

// RocksDB may hold on disk what it reported as failed, and a later start
// would bring it back. So: open anew, and take out what was not acknowledged.
Status JobStore::Impl::recover() {
  const std::unique_lock lock{base_mutex};  // No reader beside this.
  const auto acknowledged = last_index.load();
  base.reset();
  auto opened = Database::open(database_dir(dir), options);
  if (!opened) {
    write_error = opened.error();
    auto readable = Database::open_read_only(database_dir(dir), options);
    if (!readable) return readable.error();
    base = *std::move(readable);
    if (const auto loaded = load(); !loaded) return loaded.error();
    return *write_error;
  }
  base = *std::move(opened);
  write_error.reset();
  auto loaded = load();
  if (loaded && last_index > acknowledged && !keep_surplus) {
    loaded = take_out_after(acknowledged);
    if (loaded) loaded = load();
  }
  keep_surplus = false;
  if (loaded && last_index < acknowledged)
    loaded = lost(database_dir(dir), last_index, acknowledged, "");
  if (!loaded) write_error = loaded.error();
  return loaded;
}

Status JobStore::Impl::take_out_after(std::uint64_t index) {
  rocksdb::WriteBatch batch;
  for (auto surplus = index + 1; surplus <= last_index; ++surplus)
    batch.Delete(base->log(), slice(log_key(surplus)));
  if (const auto written = write(batch, true); !written) return written;
  // The index may have seen them.
  return base->clear_index();
}

void JobStore::Impl::refuse(std::optional<Error> why) {
  if (why) why->retry_after_ms = 1'000;
  const std::lock_guard lock{refusal_mutex};
  refusal = std::move(why);
  broken = write_error.has_value();
}

// Through the same file system as the store, so that it meets its faults.
Status JobStore::Impl::probe_disk() const {
  const auto files = options.file_system ? options.file_system
                                         : rocksdb::FileSystem::Default();
  const auto name = (dir / "probe").string();
  std::unique_ptr<rocksdb::FSWritableFile> file;
  auto status = files->NewWritableFile(name, {}, &file, nullptr);
  if (status.ok())
    status = file->Append(std::string(64 * 1024, 'x'), {}, nullptr);
  if (status.ok()) status = file->Sync({}, nullptr);
  if (file) file->Close({}, nullptr).PermitUncheckedError();
  files->DeleteFile(name, {}, nullptr).PermitUncheckedError();
  if (!status.ok()) return rocks_error("write " + name, status);
  return ok();
}

std::uint64_t JobStore::Impl::free_bytes() const {
  if (options.free_bytes) return options.free_bytes();
  const auto space = platform::disk_space(dir);
  return space ? space->free_bytes : ~std::uint64_t{0};
}

void JobStore::Impl::keep_reserve() {
  const std::lock_guard lock{reserve_mutex};
  if (has_reserve || options.reserve_bytes == 0) return;
  auto file = platform::open_append(dir / "reserve");
  if (!file) return;
  const auto size = platform::file_size(file->get());
  has_reserve = (size && *size >= options.reserve_bytes) ||
                platform::preallocate(file->get(), options.reserve_bytes);
}

void JobStore::Impl::drop_reserve() {
  const std::lock_guard lock{reserve_mutex};
  std::error_code ignored;
  std::filesystem::remove(dir / "reserve", ignored);
  has_reserve = false;
}

// Refuses submits where there is too little.
Status JobStore::Impl::look_at_space() {
  // The reserve comes out of the space above the mark, never out of the rest.
  const auto wanted = has_reserve ? 0 : options.reserve_bytes;
  const auto free = free_bytes();
  if (free >= options.low_water_bytes + wanted) return ok();
  std::string kept =
      bytes_text(options.low_water_bytes) + " (store.low_water_bytes)";
  if (wanted > 0)
    kept += " and " + bytes_text(wanted) +
            " to hold back once more (store.reserve_bytes)";
  refuse(Error{Errc::disk_full,
               "no submits: " + bytes_text(free) + " are free in " +
                   dir.string() + ", kept free are " + kept + "; free space"});
  const std::lock_guard lock{refusal_mutex};
  return *refusal;
}

void JobStore::refresh() {
  Impl& s = *impl_;
  if (s.write_error) {
    if (!s.probe_disk()) {
      (void)s.look_at_space();  // Says how much there is now.
      return;
    }
    if (const auto recovered = s.recover(); !recovered) {
      s.write_error = recovered.error();
      return;
    }
  }
  if (!s.look_at_space()) return;
  s.keep_reserve();
  s.refuse(std::nullopt);
}

void JobStore::give_up_reserve() {
  impl_->drop_reserve();
}

void JobStore::mend_index() {
  Impl& s = *impl_;
  if (!s.base->index_is_damaged() || s.write_error) return;
  // Loading takes all that is there for synced.
  if (s.options.sync && !s.base->db().SyncWAL().ok()) return;
  const std::unique_lock lock{s.base_mutex};  // No reader beside this.
  const auto loaded = s.load();
  if (loaded) return;
  s.write_error = loaded.error();
  s.refuse(s.write_error);
}

Status JobStore::accepting() const {
  const std::lock_guard lock{impl_->refusal_mutex};
  if (impl_->refusal) return *impl_->refusal;
  return ok();
}

}  // namespace troupe
