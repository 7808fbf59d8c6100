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

// The file that grows until its hash is right.
class PartFile {
 public:
  static Result<PartFile> open(const std::filesystem::path& path,
                               std::uint64_t size_bytes, bool resume) {
    std::error_code ignored;
    const auto there = std::filesystem::file_size(path, ignored);
    if (ignored || !resume || there > size_bytes)
      std::filesystem::remove(path, ignored);
    auto fd = platform::open_append(path);
    if (!fd) return fd.error();
    PartFile part{path, *std::move(fd)};
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
  Status finish(const std::string& sha256, const std::filesystem::path& to) {
    if (const auto found = hash_.finish_hex(); found != sha256) {
      std::error_code ignored;
      std::filesystem::remove(path_, ignored);
      return Error{Errc::corrupt, "what arrived has the hash " + found +
                                      " instead of " + sha256 +
                                      "; it was removed, fetch it again"};
    }
    if (auto synced = platform::sync_file(fd_.get()); !synced) return synced;
    return platform::rename_durably(path_, to);
  }

 private:
  PartFile(std::filesystem::path path, platform::Fd fd)
      : path_{std::move(path)}, fd_{std::move(fd)} {}

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

  std::filesystem::path path_;
  platform::Fd fd_;
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

Status ArtifactReader::download(const std::filesystem::path& to,
                                const DownloadOptions& options) const {
  if (connection_.on_own_thread()) return blocking_call_in_callback();
  auto part =
      PartFile::open(to.string() + ".part", size_bytes_, options.resume);
  if (!part) return part.error();
  const auto stall_ms = options.stall_timeout_ms > 0
                            ? options.stall_timeout_ms
                            : connection_.timeout_or_default(timeout_ms_);
  std::deque<Chunk> under_way;
  auto next = part->size_bytes();
  if (options.progress) options.progress(next, size_bytes_);
  while (part->size_bytes() < size_bytes_) {
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
    if (auto good = part->append(reply->bytes); !good) return good;
    if (options.progress) options.progress(part->size_bytes(), size_bytes_);
    // A head may send less at a time than was asked for.
    const auto expected =
        std::min<std::uint64_t>(chunk.offset + kMaxChunkBytes, size_bytes_);
    if (part->size_bytes() != expected) {
      under_way.clear();
      next = part->size_bytes();
    }
  }
  return part->finish(sha256_, to);
}

}  // namespace troupe::client
