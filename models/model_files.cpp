#include "models/model_files.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "codec/json.hpp"
#include "models/weights/weight_file.hpp"
#include "platform/file.hpp"
#include "platform/regular_file.hpp"
#include "platform/sha256.hpp"

namespace troupe {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlockBytes = 1 << 20;

struct KnownFile {
  std::string path;
  FileStamp stamp;
  std::string sha256;
};
template <class Inspector>
bool inspect(Inspector& f, KnownFile& x) {
  return f.object(x).fields(
      f.field("path", x.path), f.field("device", x.stamp.device),
      f.field("inode", x.stamp.inode), f.field("bytes", x.stamp.bytes),
      f.field("mtime_ns", x.stamp.mtime_ns), f.field("sha256", x.sha256));
}

struct KnownFiles {
  std::vector<KnownFile> files;
};
template <class Inspector>
bool inspect(Inspector& f, KnownFiles& x) {
  return f.object(x).fields(f.field("files", x.files));
}

Error cannot_look(const fs::path& dir, const std::error_code& why) {
  return platform::errno_error("look into " + dir.string(), why.value());
}

/// One line of each file, and the hash over them. `hash_of` may fail.
template <class HashOf>
Result<std::string> hash_over(const std::vector<ModelFile>& files,
                              HashOf hash_of) {
  platform::Sha256 all;
  for (const auto& file : files) {
    const auto hash = hash_of(file);
    if (!hash) return hash.error();
    all.update(*hash + "  " + file.name + "\n");
  }
  return all.finish_hex();
}

}  // namespace

std::optional<FileStamp> stamp_of(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return FileStamp{
      info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size),
      std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
}

Result<std::vector<ModelFile>> model_files(const fs::path& dir) {
  std::vector<ModelFile> files;
  std::error_code failed;
  fs::recursive_directory_iterator at{dir, failed};
  if (failed) return cannot_look(dir, failed);
  std::size_t entries = 0;
  for (const fs::recursive_directory_iterator end; at != end;
       at.increment(failed)) {
    if (++entries > kMaxModelEntries)
      return Error{Errc::too_large,
                   dir.string() + " holds over " +
                       std::to_string(kMaxModelEntries) +
                       " files and folders: give the folder that holds the "
                       "model and nothing else"};
    const auto& path = at->path();
    if (path.filename().string().starts_with('.')) {
      at.disable_recursion_pending();
    } else if (std::error_code gone;
               at->is_regular_file(gone) && refuse_pickle(path)) {
      if (const auto stamp = stamp_of(path))
        files.push_back({path.lexically_relative(dir).string(), *stamp});
    }
    if (failed) break;
  }
  if (failed) return cannot_look(dir, failed);
  std::ranges::sort(files, {}, &ModelFile::name);
  return files;
}

std::uint64_t bytes_of(const std::vector<ModelFile>& files) {
  std::uint64_t bytes = 0;
  for (const auto& file : files) bytes += file.stamp.bytes;
  return bytes;
}

Result<std::string> read_model_file(const fs::path& from,
                                    const FileStamp& stamp, const fs::path& to,
                                    std::uint64_t& done,
                                    const ModelProgress& progress) {
  const auto in = platform::open_regular(from);
  if (!in) return in.error();
  platform::Fd out;
  if (!to.empty()) {
    auto made = platform::create_new(to);
    if (!made) return made.error();
    out = *std::move(made);
  }
  platform::Sha256 hash;
  std::uint64_t offset = 0;
  for (;;) {
    const auto block = platform::read_at(in->get(), offset, kBlockBytes);
    if (!block) return block.error();
    if (block->empty()) break;
    hash.update(*block);
    if (out)
      if (auto wrote = platform::write_all(out.get(), *block); !wrote)
        return wrote.error();
    offset += block->size();
    done += block->size();
    if (progress && !progress(done))
      return Error{Errc::cancelled, "it was interrupted"};
  }
  if (offset != stamp.bytes || stamp_of(from) != stamp)
    return Error{Errc::io_error, from.string() +
                                     " changed while it was read; try again "
                                     "when nobody writes to it"};
  if (out)
    if (auto synced = platform::sync_file(out.get()); !synced)
      return synced.error();
  return hash.finish_hex();
}

KnownHashes KnownHashes::load(const fs::path& file) {
  KnownHashes known;
  known.file_ = file;
  const auto text = platform::read_file(file);
  const auto json = text ? parse_json(*text) : text.error();
  auto read =
      json ? from_json<KnownFiles>(*json, UnknownFields::skip) : json.error();
  if (!read) return known;
  for (auto& one : read->files)
    known.known_[one.stamp] = {std::move(one.path), std::move(one.sha256)};
  return known;
}

std::optional<std::string> KnownHashes::find(const FileStamp& stamp) const {
  const auto found = known_.find(stamp);
  if (found == known_.end()) return {};
  return found->second.sha256;
}

void KnownHashes::keep(const FileStamp& stamp, const fs::path& path,
                       std::string sha256) {
  known_[stamp] = {path.string(), std::move(sha256)};
  changed_ = true;
}

Status KnownHashes::save() {
  if (!changed_) return ok();
  KnownFiles all;
  for (const auto& [stamp, known] : known_)
    if (stamp_of(fs::path{known.path}) == stamp)
      all.files.push_back({known.path, stamp, known.sha256});
  auto saved = platform::write_file_atomically(file_, dump_json(to_json(all)));
  changed_ = !saved;
  return saved;
}

Result<std::string> model_hash(const fs::path& dir, KnownHashes& known,
                               const ModelProgress& progress) {
  const auto files = model_files(dir);
  if (!files) return files.error();
  std::uint64_t done = 0;
  return hash_over(*files, [&](const ModelFile& file) -> Result<std::string> {
    if (auto hash = known.find(file.stamp)) {
      done += file.stamp.bytes;
      return *std::move(hash);
    }
    const auto path = dir / file.name;
    auto hash = read_model_file(path, file.stamp, {}, done, progress);
    if (hash) known.keep(file.stamp, fs::absolute(path), *hash);
    return hash;
  });
}

std::optional<std::string> known_model_hash(const fs::path& dir,
                                            const KnownHashes& known) {
  const auto files = model_files(dir);
  if (!files) return {};
  auto hash =
      hash_over(*files, [&](const ModelFile& file) -> Result<std::string> {
        if (auto one = known.find(file.stamp)) return *std::move(one);
        return Error{Errc::not_found, file.name};
      });
  if (!hash) return {};
  return *std::move(hash);
}

}  // namespace troupe
