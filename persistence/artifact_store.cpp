#include "persistence/artifact_store.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include "core/amounts.hpp"
#include "core/clock.hpp"
#include "platform/file.hpp"
#include "platform/sha256.hpp"

namespace troupe {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCopyBytes = 1 << 20;

Error not_here(std::string_view sha256) {
  return {Errc::not_found, "no artifact " + std::string(sha256)};
}

Error damaged(std::string_view sha256) {
  return {Errc::corrupt,
          "artifact " + std::string(sha256) +
              " is damaged on this disk; bring the file again: troupe "
              "artifacts put FILE"};
}

UnixMs modified_ms(const fs::path& file) {
  struct ::stat info {};
  if (::stat(file.c_str(), &info) != 0) return 0;
  return info.st_mtim.tv_sec * 1'000 + info.st_mtim.tv_nsec / 1'000'000;
}

}  // namespace

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<std::unique_ptr<ArtifactStore>> ArtifactStore::open(
    const fs::path& dir, ArtifactOptions options) {
  for (const auto* sub : {"objects", "uploads", "temporary"})
    if (auto made = platform::make_dirs(dir / sub); !made) return made.error();
  std::error_code ignored;  // What stays is swept next time.
  for (const auto& file : fs::directory_iterator(dir / "temporary", ignored))
    fs::remove(file.path(), ignored);
  return std::unique_ptr<ArtifactStore>(
      new ArtifactStore{dir, std::move(options)});
}

fs::path ArtifactStore::object(std::string_view sha256) const {
  return dir_ / "objects" / sha256.substr(0, 2) / sha256;
}
fs::path ArtifactStore::part(const std::string& sha256) const {
  return dir_ / "uploads" / (sha256 + ".part");
}
fs::path ArtifactStore::kept(const std::string& sha256) const {
  return dir_ / "uploads" / (sha256 + ".kept");
}

bool ArtifactStore::has(const std::string& sha256) const {
  std::error_code ignored;
  return is_sha256(sha256) && fs::exists(object(sha256), ignored);
}

// -- damage -------------------------------------------------------------------

Status ArtifactStore::remove_if_damaged(const std::string& sha256) {
  if (!has(sha256)) return ok();
  // Unlocked: it may take long, and nearly all are whole.
  auto whole = checks_.is_whole(object(sha256), sha256);
  if (!whole) return whole.error();
  if (*whole) return ok();
  const std::lock_guard lock{mutex_};
  // Again: save() may have replaced it meanwhile.
  whole = checks_.is_whole(object(sha256), sha256);
  if (!whole) return whole.error();
  if (*whole) return ok();
  std::error_code failed;
  fs::remove(object(sha256), failed);
  if (failed) return Error{Errc::io_error, "remove: " + failed.message()};
  return ok();
}

// -- in -----------------------------------------------------------------------

Result<UploadState> ArtifactStore::begin(const UploadBegin& upload) {
  if (!is_sha256(upload.sha256))
    return Error{Errc::invalid_argument,
                 "an upload is named by its SHA-256: 64 lower-case hex digits"};
  if (upload.bytes > options_.max_bytes)
    return Error{Errc::too_large, "a file of " + std::to_string(upload.bytes) +
                                      " bytes; allowed are " +
                                      std::to_string(options_.max_bytes)};
  if (auto sound = remove_if_damaged(upload.sha256); !sound)
    return sound.error();
  const std::lock_guard lock{mutex_};
  if (has(upload.sha256)) {
    if (auto done = keep(upload.sha256); !done) return done.error();
    return UploadState{upload.bytes, true};
  }
  auto file = platform::open_append(part(upload.sha256));
  if (!file) return file.error();
  auto here = platform::file_size(file->get());
  if (!here) return here.error();
  uploads_[upload.sha256] = upload.bytes;
  if (*here == upload.bytes) return complete(upload.sha256, upload.bytes);
  if (*here < upload.bytes) {
    if (auto room = room_for(upload.bytes - *here); !room) return room.error();
    return UploadState{*here, false};
  }
  std::error_code failed;  // Longer than promised: it cannot be this file.
  fs::resize_file(part(upload.sha256), 0, failed);
  if (failed) return Error{Errc::io_error, "truncate: " + failed.message()};
  return UploadState{0, false};
}

Status ArtifactStore::room_for(std::uint64_t bytes) const {
  if (options_.low_water_bytes == 0) return ok();
  std::uint64_t free = 0;
  if (options_.free_bytes) {
    free = options_.free_bytes();
  } else {
    const auto space = platform::disk_space(dir_);
    if (!space) return ok();  // Writing will tell.
    free = space->free_bytes;
  }
  if (free >= options_.low_water_bytes &&
      free - options_.low_water_bytes >= bytes)
    return ok();
  return Error{Errc::disk_full,
               "no uploads: " + bytes_text(free) + " are free in " +
                   dir_.string() + ", the file needs " + bytes_text(bytes) +
                   " and kept free are " +
                   bytes_text(options_.low_water_bytes) + "; free space"};
}

Result<UploadState> ArtifactStore::append(const UploadChunk& chunk) {
  const std::lock_guard lock{mutex_};
  if (is_sha256(chunk.sha256) && has(chunk.sha256) &&
      !uploads_.contains(chunk.sha256))
    return UploadState{chunk.offset + chunk.bytes.size(), true};
  auto it = uploads_.find(chunk.sha256);
  if (it == uploads_.end())
    return Error{Errc::not_found,
                 "this upload was not begun here: begin again"};
  auto file = platform::open_append(part(chunk.sha256));
  if (!file) return file.error();
  auto here = platform::file_size(file->get());
  if (!here) return here.error();
  if (chunk.offset != *here)
    return Error{Errc::stale, "the upload stands at byte " +
                                  std::to_string(*here) + ", not at " +
                                  std::to_string(chunk.offset)};
  const auto after = *here + chunk.bytes.size();
  if (after > it->second)
    return Error{Errc::too_large, "more bytes than were promised"};
  if (auto room = room_for(chunk.bytes.size()); !room) return room.error();
  if (auto written = platform::write_all(file->get(), chunk.bytes); !written) {
    std::error_code ignored;  // The next begin() finds what is whole.
    fs::resize_file(part(chunk.sha256), *here, ignored);
    return written.error();
  }
  if (after < it->second) return UploadState{after, false};
  return complete(chunk.sha256, after);
}

// The whole is here: check, sync, rename.
Result<UploadState> ArtifactStore::complete(const std::string& sha256,
                                            std::uint64_t bytes) {
  auto hash = platform::sha256_file(part(sha256));
  if (!hash) return hash.error();
  if (*hash != sha256) {
    std::error_code ignored;
    fs::remove(part(sha256), ignored);
    return Error{Errc::corrupt, "the bytes that arrived have the SHA-256 " +
                                    *hash + ", promised was " + sha256 +
                                    "; upload them again"};
  }
  auto file = platform::open_append(part(sha256));
  if (!file) return file.error();
  if (auto synced = platform::sync_file(file->get()); !synced)
    return synced.error();
  if (auto done = keep(sha256); !done) return done.error();
  if (auto done = become(part(sha256), sha256); !done) return done.error();
  checks_.remember_whole(object(sha256), sha256);
  uploads_.erase(sha256);
  return UploadState{bytes, true};
}

Status ArtifactStore::keep(const std::string& sha256) {
  return platform::write_file_atomically(kept(sha256), {});
}

// `from` is synced.
Status ArtifactStore::become(const fs::path& from, const std::string& sha256) {
  const auto to = object(sha256);
  if (auto made = platform::make_dirs(to.parent_path()); !made) return made;
  if (!options_.skip_directory_sync) return platform::rename_durably(from, to);
  std::error_code failed;
  fs::rename(from, to, failed);
  if (failed) return Error{Errc::io_error, "rename: " + failed.message()};
  return ok();
}

void ArtifactStore::make_room() {
  if (options_.make_room) options_.make_room();
}

Result<ArtifactRef> ArtifactStore::save(const fs::path& file,
                                        const std::string& name,
                                        const std::string& media_type) {
  auto saved = save_once(file, name, media_type);
  if (saved || saved.error().code != Errc::disk_full || !options_.make_room)
    return saved;
  make_room();
  return save_once(file, name, media_type);
}

Result<ArtifactRef> ArtifactStore::save_once(const fs::path& file,
                                             const std::string& name,
                                             const std::string& media_type) {
  auto from = platform::open_read(file);
  if (!from) return from.error();
  auto to = platform::AtomicFile::create(dir_ / "temporary");
  if (!to) return to.error();
  platform::Sha256 hash;
  ArtifactRef ref{.name = name, .media_type = media_type};
  while (true) {
    auto bytes = platform::read_at(from->get(), ref.bytes, kCopyBytes);
    if (!bytes) return bytes.error();
    if (bytes->empty()) break;
    ref.bytes += bytes->size();
    if (ref.bytes > options_.max_bytes)
      return Error{Errc::too_large,
                   name + " is larger than an artifact may be"};
    hash.update(*bytes);
    if (auto written = to->write(*bytes); !written) return written.error();
  }
  ref.sha256 = hash.finish_hex();
  // In this order: what is here when it is pinned stays.
  const bool here = pin(ref.sha256);
  if (here) {
    const auto whole = checks_.is_whole(object(ref.sha256), ref.sha256);
    if (whole && *whole) return ref;
  }
  // A damaged one is replaced, but not while begin() looks whether to remove
  // it: that would take the good copy away.
  std::unique_lock replacing{mutex_, std::defer_lock};
  if (here) replacing.lock();
  const auto place = object(ref.sha256);
  auto done = platform::make_dirs(place.parent_path());
  if (done) done = to->commit(place);
  if (done) return ref;
  if (here) replacing.unlock();
  unpin(ref.sha256);
  return done.error();
}

// True: the file is here already.
bool ArtifactStore::pin(const std::string& sha256) {
  const std::lock_guard lock{mutex_};
  pins_.emplace(sha256, system_wall_clock().now());
  return has(sha256);
}

// Those of one file are in the order they came: the oldest goes.
void ArtifactStore::unpin(const std::string& sha256) {
  const std::lock_guard lock{mutex_};
  const auto oldest = pins_.lower_bound(sha256);
  if (oldest != pins_.end() && oldest->first == sha256) pins_.erase(oldest);
}

void ArtifactStore::named(std::span<const std::string> files) {
  for (const auto& sha256 : files) unpin(sha256);
}

// -- out ----------------------------------------------------------------------

Result<ChunkReply> ArtifactStore::read(const DownloadChunk& chunk) const {
  if (!has(chunk.sha256)) return not_here(chunk.sha256);
  auto file = platform::open_read(object(chunk.sha256));
  if (!file) return file.error();
  auto total = platform::file_size(file->get());
  if (!total) return total.error();
  if (chunk.offset > *total)
    return Error{Errc::invalid_argument,
                 "offset " + std::to_string(chunk.offset) + " of a file of " +
                     std::to_string(*total) + " bytes"};
  const auto limit = std::min(chunk.max_bytes, kMaxChunkBytes);
  auto bytes = platform::read_at(file->get(), chunk.offset, limit);
  if (!bytes) return bytes.error();
  return ChunkReply{*std::move(bytes), *total};
}

Status ArtifactStore::fetch(const std::string& sha256,
                            const fs::path& to) const {
  if (!has(sha256)) return not_here(sha256);
  auto copied = platform::clone_file(object(sha256), to);
  if (!copied) return copied;
  auto hash = platform::sha256_file(to);
  if (hash && *hash == sha256) return ok();
  std::error_code ignored;
  fs::remove(to, ignored);
  return hash ? damaged(sha256) : hash.error();
}

// -- removal ------------------------------------------------------------------

Result<bool> ArtifactStore::remove(const std::string& sha256,
                                   const Referred& referred) {
  const std::lock_guard lock{mutex_};
  if (!has(sha256)) return false;
  std::error_code failed;
  if (pins_.contains(sha256) || fs::exists(kept(sha256), failed)) return false;
  auto used = referred(sha256);
  if (!used) return used.error();
  if (*used) return false;
  fs::remove(object(sha256), failed);
  if (failed) return Error{Errc::io_error, "remove: " + failed.message()};
  return true;
}

Status ArtifactStore::expire_uploads(UnixMs now, std::int64_t age_ms,
                                     const Referred& referred) {
  std::vector<std::string> done;
  {
    const std::lock_guard lock{mutex_};
    std::error_code failed;
    std::erase_if(pins_,
                  [&](const auto& pin) { return now - pin.second >= age_ms; });
    for (const auto& file : fs::directory_iterator(dir_ / "uploads", failed)) {
      if (now - modified_ms(file.path()) < age_ms) continue;
      const auto sha256 = file.path().stem().string();
      if (file.path().extension() == ".kept") done.push_back(sha256);
      uploads_.erase(sha256);
      fs::remove(file.path(), failed);
    }
    for (const auto& folder : fs::directory_iterator(dir_ / "objects", failed))
      for (const auto& file : fs::directory_iterator(folder.path(), failed))
        if (now - modified_ms(file.path()) >= age_ms)
          done.push_back(file.path().filename().string());
  }
  for (const auto& sha256 : done)
    if (auto removed = remove(sha256, referred); !removed)
      return removed.error();
  return ok();
}

Status ArtifactStore::backup(const fs::path& dir) const {
  // There in every copy: who puts one back tells it from one that was lost.
  if (auto made = platform::make_dirs(dir / "objects"); !made) return made;
  std::error_code failed;
  for (const auto& folder : fs::directory_iterator(dir_ / "objects", failed)) {
    const auto to = dir / "objects" / folder.path().filename();
    if (auto made = platform::make_dirs(to); !made) return made;
    for (const auto& file : fs::directory_iterator(folder.path(), failed)) {
      const auto linked =
          platform::link_or_copy(file.path(), to / file.path().filename());
      // Removed meanwhile, or in the backup already.
      if (!linked && linked.error().code != Errc::not_found &&
          linked.error().code != Errc::already_exists)
        return linked;
    }
    if (auto synced = platform::sync_dir(to); !synced) return synced;
  }
  if (failed)
    return Error{Errc::io_error,
                 "list " + dir_.string() + ": " + failed.message()};
  return ok();
}

}  // namespace troupe
