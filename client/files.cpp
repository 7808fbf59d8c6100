#include "client/files.hpp"

#include <algorithm>
#include <deque>
#include <thread>
#include <utility>

#include "client/ask.hpp"
#include "platform/file.hpp"
#include "platform/sha256.hpp"

namespace troupe::client {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCredit = 4;  // Chunks under way.
constexpr std::int64_t kPauseMs = 20;

struct Chunk {
  std::uint64_t offset = 0;
  Pending<DownloadChunk> answer;
};

DownloadChunk chunk_request(const std::string& sha256, std::uint64_t offset,
                            std::uint32_t max_bytes) {
  DownloadChunk request;
  request.sha256 = sha256;
  request.offset = offset;
  request.max_bytes = std::min(max_bytes, kMaxChunkBytes);
  return request;
}

Error damaged(const std::string& sha256) {
  return {Errc::corrupt,
          "the stored artifact " + sha256 +
              " is damaged: what arrived has another hash; bring the file "
              "again: troupe artifacts put FILE"};
}

// Where a write to `path` ends up.
Result<fs::path> follow_links(const fs::path& path) {
  constexpr int kMaxLinks = 40;  // As the kernel's.
  auto place = path;
  for (int links = 0; links < kMaxLinks; ++links) {
    std::error_code none;
    const auto target = fs::read_symlink(place, none);
    if (none) return place;
    place = place.parent_path() / target;
  }
  return Error{Errc::invalid_argument, platform::link_circle(path)};
}

bool is_written_through(const fs::path& path) {
  std::error_code ignored;
  const auto status = fs::status(path, ignored);
  return fs::exists(status) && !fs::is_regular_file(status) &&
         !fs::is_directory(status);
}

// The file that grows until its hash is right.
class PartFile {
 public:
  /// Of the file `to`, which may be there already.
  static Result<PartFile> open(const fs::path& to, std::uint64_t size_bytes,
                               bool resume) {
    std::error_code ignored;
    const fs::path path = to.string() + ".part";
    const auto there = fs::file_size(path, ignored);
    if (ignored || !resume || there > size_bytes) fs::remove(path, ignored);
    const auto replaced = fs::status(to, ignored);
    const auto mode = fs::is_regular_file(replaced)
                          ? replaced.permissions() & fs::perms::all
                          : fs::perms::unknown;
    // Not open to more people than the file that it becomes; this user can
    // always go on with it.
    auto fd = platform::open_append(
        path, mode == fs::perms::unknown
                  ? 0666u
                  : static_cast<unsigned>(mode | fs::perms(0600)));
    if (!fd) return fd.error();
    PartFile part{path, *std::move(fd), mode};
    if (auto read = part.hash_what_is_there(); !read) return read.error();
    return part;
  }

  std::uint64_t size_bytes() const { return size_bytes_; }

  Status append(std::string_view bytes) {
    auto written = platform::write_all(fd_.get(), bytes);
    if (!written) return written;
    hash_.update(bytes);
    size_bytes_ += bytes.size();
    return ok();
  }

  /// Becomes `to`. Errors: corrupt, and those of the file system.
  Status finish(const std::string& sha256, const fs::path& to) {
    std::error_code ignored;
    if (hash_.finish_hex() != sha256) {
      fs::remove(path_, ignored);
      return damaged(sha256);
    }
    // A file system without modes may refuse.
    if (mode_ != fs::perms::unknown) fs::permissions(path_, mode_, ignored);
    if (auto synced = platform::sync_file(fd_.get()); !synced) return synced;
    return platform::rename_durably(path_, to);
  }

 private:
  PartFile(fs::path path, platform::Fd fd, fs::perms mode)
      : path_{std::move(path)}, fd_{std::move(fd)}, mode_{mode} {}

  Status hash_what_is_there() {
    auto in = platform::open_read(path_);
    if (!in) return in.error();
    while (true) {
      auto bytes = platform::read_at(in->get(), size_bytes_, 1 << 20);
      if (!bytes) return bytes.error();
      if (bytes->empty()) return ok();
      hash_.update(*bytes);
      size_bytes_ += bytes->size();
    }
  }

  fs::path path_;
  platform::Fd fd_;
  fs::perms mode_;  // Of the file that is replaced; unknown: there is none.
  platform::Sha256 hash_;
  std::uint64_t size_bytes_ = 0;
};

}  // namespace

ArtifactReader::ArtifactReader(Connection& connection, std::string sha256,
                               std::uint64_t size_bytes,
                               std::int64_t timeout_ms)
    : connection_{connection},
      sha256_{std::move(sha256)},
      size_bytes_{size_bytes},
      timeout_ms_{timeout_ms} {}

Result<std::string> ArtifactReader::read(std::uint64_t offset,
                                         std::uint32_t max_bytes) const {
  std::string bytes;
  const auto end = std::min(size_bytes_, offset + std::uint64_t{max_bytes});
  while (offset < end) {
    const auto want = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(end - offset, kMaxChunkBytes));
    auto reply =
        ask(connection_, chunk_request(sha256_, offset, want), timeout_ms_);
    if (!reply) return reply.error();
    if (reply->bytes.empty())
      return Error{Errc::corrupt,
                   "the head sent nothing where bytes should be"};
    offset += reply->bytes.size();
    bytes += reply->bytes;
  }
  return bytes;
}

Status ArtifactReader::download(const fs::path& to,
                                const DownloadOptions& options) const {
  if (connection_.on_own_thread()) return blocking_call_in_callback();
  if (is_written_through(to)) {
    auto fd = platform::open_existing(to);
    if (!fd) return fd.error();
    return stream(
        [&fd](std::string_view bytes) {
          return platform::write_all(fd->get(), bytes);
        },
        options);
  }
  auto place = follow_links(to);
  if (!place) return place.error();
  return download_file(*place, options);
}

Status ArtifactReader::download_file(const fs::path& to,
                                     const DownloadOptions& options) const {
  auto part = PartFile::open(to, size_bytes_, options.resume);
  if (!part) return part.error();
  const bool resumed = part->size_bytes() > 0;
  auto arrived = transfer(
      part->size_bytes(),
      [&part](std::string_view bytes) { return part->append(bytes); }, options);
  if (!arrived) return arrived;
  auto done = part->finish(sha256_, to);
  if (done || done.error().code != Errc::corrupt || !resumed) return done;
  // What was there may have been of another file.
  auto anew = options;
  anew.resume = false;
  return download_file(to, anew);
}

Status ArtifactReader::stream(const ByteSink& take,
                              const DownloadOptions& options) const {
  if (connection_.on_own_thread()) return blocking_call_in_callback();
  platform::Sha256 hash;
  auto done = transfer(
      0,
      [&](std::string_view bytes) {
        hash.update(bytes);
        return take(bytes);
      },
      options);
  if (!done) return done;
  return hash.finish_hex() == sha256_ ? ok() : damaged(sha256_);
}

Status ArtifactReader::transfer(std::uint64_t from, const ByteSink& take,
                                const DownloadOptions& options) const {
  const auto stall_ms = options.stall_timeout_ms > 0
                            ? options.stall_timeout_ms
                            : connection_.timeout_or_default(timeout_ms_);
  std::deque<Chunk> under_way;
  auto done = from;
  auto next = from;
  if (options.progress) options.progress(done, size_bytes_);
  while (done < size_bytes_) {
    while (next < size_bytes_ && under_way.size() < kCredit) {
      under_way.push_back(
          {next, Pending<DownloadChunk>{
                     connection_, chunk_request(sha256_, next, kMaxChunkBytes),
                     stall_ms}});
      next += kMaxChunkBytes;
    }
    auto chunk = std::move(under_way.front());
    under_way.pop_front();
    auto reply = chunk.answer.take();
    if (!reply) return reply.error();
    if (reply->bytes.empty())
      return Error{Errc::corrupt,
                   "the head sent nothing where bytes should be"};
    if (auto taken = take(reply->bytes); !taken) return taken;
    done += reply->bytes.size();
    if (options.progress) options.progress(done, size_bytes_);
    // A head may send less at a time than was asked for.
    const auto expected =
        std::min<std::uint64_t>(chunk.offset + kMaxChunkBytes, size_bytes_);
    if (done != expected) {
      under_way.clear();
      next = done;
    }
  }
  return ok();
}

}  // namespace troupe::client
