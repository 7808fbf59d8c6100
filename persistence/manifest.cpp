// Why a torn end may be cut. RocksDB 7.8 writes the records of a change,
// syncs the MANIFEST (always: no option of ours or default of its own turns it
// off) and only then installs the change, removes the logs and tables that it
// made obsolete, or renames CURRENT to a new MANIFEST. So nothing was done on
// the word of a record that is not synced: without it the log still holds what
// the table it named held, and the index stands where it stood before.
//
// Two things make "not synced" certain. A group of changes would be several
// records and one sync, and a disk may keep the second record and lose the
// first: here each is synced before the next is written, so that after a power
// cut at most the last one is broken. And a byte that flips in the last record
// looks like a torn one: the mark tells them apart.
//
// CURRENT, IDENTITY and OPTIONS need nothing: RocksDB syncs each under another
// name, renames it and syncs the folder.
#include "persistence/manifest.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "persistence/format.hpp"
#include "persistence/log_fragments.hpp"
#include "platform/file.hpp"

namespace troupe::storage {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "MANIFEST-";
constexpr std::string_view kMark = "manifest.synced";
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 30;

// Of a MANIFEST's name; nothing: it is none.
std::optional<std::uint64_t> number_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  std::uint64_t number = 0;
  const auto [end, bad] =
      std::from_chars(name.data(), name.data() + name.size(), number);
  if (bad != std::errc{} || end != name.data() + name.size())
    return std::nullopt;
  return number;
}

struct Scanned {
  std::uint64_t whole = 0;   // The end of the last whole record.
  std::uint64_t broken = 0;  // Where no good fragment is; the size: nowhere.
};

// Where a fragment could begin at or after `at`.
std::uint64_t next_place(std::uint64_t at) {
  const auto in_block = kLogBlock - at % kLogBlock;
  return in_block < kFragmentHeader ? at + in_block : at;
}

LogFragment fragment_at(std::string_view bytes, std::uint64_t at) {
  return read_fragment(bytes.substr(at, kLogBlock - at % kLogBlock), 0);
}

Scanned scan(std::string_view bytes) {
  Scanned out;
  bool in_record = false;
  for (auto at = next_place(0); true; at = next_place(at)) {
    out.broken = at;
    if (at + kFragmentHeader > bytes.size()) break;
    const auto found = fragment_at(bytes, at);
    if (found.is != LogFragment::Is::whole || found.begins == in_record) break;
    at += found.size;
    in_record = !found.ends;
    if (found.ends) out.whole = at;
  }
  return out;
}

// Whether a record begins anywhere after `at`: lengths before it may be wrong.
bool record_follows(std::string_view bytes, std::uint64_t at) {
  for (++at; (at = next_place(at)) + kFragmentHeader <= bytes.size(); ++at) {
    const auto found = fragment_at(bytes, at);
    if (found.is == LogFragment::Is::whole && found.begins) return true;
  }
  return false;
}

// How much of the MANIFEST `number` was synced; 0: unknown.
Result<std::uint64_t> synced_bytes(const fs::path& dir, std::uint64_t number) {
  const auto mark = platform::read_file(dir / kMark);
  if (!mark && mark.error().code == Errc::not_found) return std::uint64_t{0};
  if (!mark) return mark.error();
  if (mark->size() != 16 || get_u64(mark->data()) != number)
    return std::uint64_t{0};
  return get_u64(mark->data() + 8);
}

// RocksDB gives a number again when its first bearer never became CURRENT. What
// the mark says of that one must be gone before this one is written.
Status forget_synced(const fs::path& dir, std::uint64_t number) {
  const auto bytes = synced_bytes(dir, number);
  if (!bytes) return bytes.error();
  if (*bytes == 0) return ok();
  const platform::Fd fd{::open((dir / kMark).c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd) return platform::errno_error("open the mark", errno);
  const std::string nothing(16, '\0');
  if (const auto done = platform::write_all_at(fd.get(), nothing, 0); !done)
    return done;
  return platform::sync_data(fd.get());
}

Status truncate(const fs::path& path, std::uint64_t bytes) {
  const platform::Fd fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd) return platform::errno_error("open " + path.string(), errno);
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0)
    return platform::errno_error("cut " + path.string(), errno);
  return platform::sync_file(fd.get());
}

class Manifest : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  Manifest(std::unique_ptr<rocksdb::FSWritableFile> file, std::uint64_t number,
           platform::Fd mark)
      : FSWritableFileOwnerWrapper{std::move(file)},
        number_{number},
        mark_{std::move(mark)} {}

  rocksdb::IOStatus Append(const rocksdb::Slice& bytes,
                           const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    if (auto synced = before_append(options, debug); !synced.ok())
      return synced;
    size_ += bytes.size();
    return FSWritableFileOwnerWrapper::Append(bytes, options, debug);
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& bytes,
                           const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& check,
                           rocksdb::IODebugContext* debug) override {
    if (auto synced = before_append(options, debug); !synced.ok())
      return synced;
    size_ += bytes.size();
    return FSWritableFileOwnerWrapper::Append(bytes, options, check, debug);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    return advance(FSWritableFileOwnerWrapper::Sync(options, debug));
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    return advance(FSWritableFileOwnerWrapper::Fsync(options, debug));
  }

 private:
  // Until its first sync no CURRENT names it: it may break anywhere.
  rocksdb::IOStatus before_append(const rocksdb::IOOptions& options,
                                  rocksdb::IODebugContext* debug) {
    if (synced_ == 0 || synced_ == size_) return rocksdb::IOStatus::OK();
    return Sync(options, debug);
  }
  rocksdb::IOStatus advance(rocksdb::IOStatus status) {
    if (!status.ok()) return status;
    synced_ = size_;
    std::string bytes;
    put_u64(bytes, number_);
    put_u64(bytes, synced_);
    // Without the mark a later start knows less, and errs towards going on.
    (void)platform::write_all_at(mark_.get(), bytes, 0);
    return status;
  }

  const std::uint64_t number_;
  const platform::Fd mark_;
  std::uint64_t size_ = 0;
  std::uint64_t synced_ = 0;
};

class SyncedManifests : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "troupe.synced_manifests"; }

  rocksdb::IOStatus NewWritableFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* file,
      rocksdb::IODebugContext* debug) override {
    const fs::path path{name};
    const auto dir = path.parent_path();
    const auto number = number_of(path.filename().string());
    if (!number) return target()->NewWritableFile(name, options, file, debug);
    if (const auto forgotten = forget_synced(dir, *number); !forgotten)
      return rocksdb::IOStatus::IOError(forgotten.error().message);
    const auto status = target()->NewWritableFile(name, options, file, debug);
    if (!status.ok()) return status;
    const auto mark = dir / kMark;
    platform::Fd fd{::open(mark.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
    *file =
        std::make_unique<Manifest>(std::move(*file), *number, std::move(fd));
    return status;
  }
};

// A file that ends after so many bytes.
class Beginning : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  Beginning(std::unique_ptr<rocksdb::FSSequentialFile> file,
            std::uint64_t bytes)
      : FSSequentialFileOwnerWrapper{std::move(file)}, left_{bytes} {}

  rocksdb::IOStatus Read(std::size_t bytes, const rocksdb::IOOptions& options,
                         rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext* debug) override {
    const auto wanted = std::min<std::uint64_t>(bytes, left_);
    auto status = FSSequentialFileOwnerWrapper::Read(wanted, options, result,
                                                     scratch, debug);
    if (status.ok()) left_ -= result->size();
    return status;
  }
  rocksdb::IOStatus Skip(std::uint64_t bytes) override {
    const auto skipped = std::min(bytes, left_);
    left_ -= skipped;
    return FSSequentialFileOwnerWrapper::Skip(skipped);
  }

 private:
  std::uint64_t left_;
};

class CutManifest : public rocksdb::FileSystemWrapper {
 public:
  CutManifest(const std::shared_ptr<rocksdb::FileSystem>& base, ManifestEnd end)
      : FileSystemWrapper{base}, end_{std::move(end)} {}
  const char* Name() const override { return "troupe.cut_manifest"; }

  rocksdb::IOStatus NewSequentialFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSSequentialFile>* file,
      rocksdb::IODebugContext* debug) override {
    auto status = target()->NewSequentialFile(name, options, file, debug);
    if (status.ok() && end_.path.filename() == fs::path{name}.filename())
      *file = std::make_unique<Beginning>(std::move(*file), end_.whole);
    return status;
  }

 private:
  const ManifestEnd end_;
};

// Without CURRENT. RocksDB writes it before the first log and the first table.
Status check_nothing_there(const fs::path& dir) {
  std::error_code failed;
  for (const auto& file : fs::directory_iterator(dir, failed)) {
    const auto kind = file.path().extension();
    if (kind == ".sst" || kind == ".log")
      return Error{Errc::corrupt,
                   (dir / "CURRENT").string() +
                       " is missing, though the database's files are there; "
                       "restore a backup"};
  }
  return ok();
}

}  // namespace

Result<ManifestEnd> read_manifest_end(const fs::path& dir) {
  const auto current = platform::read_file(dir / "CURRENT");
  if (!current && current.error().code == Errc::not_found) {
    if (const auto empty = check_nothing_there(dir); !empty)
      return empty.error();
  }
  if (!current) return ManifestEnd{};
  const std::string_view name{current->data(),
                              current->find_last_not_of('\n') + 1};
  const auto number = number_of(name);
  if (!number) return ManifestEnd{};
  ManifestEnd end;
  end.path = dir / name;
  const auto bytes = platform::read_file(end.path, kMaxBytes);
  if (!bytes && bytes.error().code == Errc::not_found) return ManifestEnd{};
  if (!bytes) return bytes.error();
  const auto [whole, broken] = scan(*bytes);
  const auto synced = synced_bytes(dir, *number);
  if (!synced) return synced.error();
  if (whole < *synced || record_follows(*bytes, broken))
    return Error{Errc::corrupt,
                 end.path.string() + " is damaged at byte " +
                     std::to_string(whole) +
                     ": it was written and synced beyond that; restore a "
                     "backup"};
  end.whole = whole;
  // RocksDB says better what is wrong with a file that holds nothing.
  end.torn = whole > 0 && whole < bytes->size();
  end.vouched_for = *synced > 0;
  return end;
}

Status cut_torn_manifest(const fs::path& dir) {
  const auto end = read_manifest_end(dir);
  if (!end) return end.error();
  if (!end->torn) return ok();
  return truncate(end->path, end->whole);
}

std::shared_ptr<rocksdb::FileSystem> with_cut_manifest(
    std::shared_ptr<rocksdb::FileSystem> base, const ManifestEnd& end) {
  if (!end.torn) return base;
  return std::make_shared<CutManifest>(base, end);
}

std::shared_ptr<rocksdb::FileSystem> with_synced_manifests(
    std::shared_ptr<rocksdb::FileSystem> base) {
  return std::make_shared<SyncedManifests>(std::move(base));
}

}  // namespace troupe::storage
