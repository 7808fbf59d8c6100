#include "client/upload.hpp"

#include <deque>
#include <utility>

#include "client/ask.hpp"

namespace troupe::client {
namespace {

// Chunks under way: enough to keep the wire busy while the head writes one.
constexpr std::size_t kCredit = 4;
constexpr std::int64_t kPauseMs = 20;

class Upload {
 public:
  Upload(Connection& connection, ArtifactRef what, const ByteSource& source,
         const UploadOptions& options)
      : connection_{connection},
        what_{std::move(what)},
        source_{source},
        options_{options},
        stall_ms_{connection.timeout_or_default(options.stall_timeout_ms)} {}

  Result<ArtifactRef> run() {
    moved();
    while (true) {
      auto state = begin();
      if (!state) return state.error();
      advance_to(state->offset);
      if (state->complete) break;
      auto done = send_from(state->offset);
      if (done && *done) break;
      if (!done && !can_go_on(done.error())) return done.error();
      if (left_ms() <= 0)
        return Error{Errc::timeout,
                     "the upload stood still for " + std::to_string(stall_ms_) +
                         " ms; doing it again goes on from where it stopped"};
      if (!done) pause(done.error());
    }
    if (options_.progress) options_.progress(what_.bytes, what_.bytes);
    return what_;
  }

 private:
  Result<UploadState> begin() {
    UploadBegin request;
    request.sha256 = what_.sha256;
    request.bytes = what_.bytes;
    request.media_type = what_.media_type;
    return ask(connection_, request, std::max<std::int64_t>(left_ms(), 1));
  }

  // True: the head has it all. Errors leave chunks that are under way to
  // themselves: the head refuses those at a wrong offset.
  Result<bool> send_from(std::uint64_t offset) {
    std::deque<Pending<UploadChunk>> under_way;
    bool complete = false;
    // A last, empty chunk asks for the end of a file that is all there.
    bool more = true;
    while (more || !under_way.empty()) {
      while (more && under_way.size() < kCredit) {
        auto chunk = next_chunk(offset);
        if (!chunk) return chunk.error();
        offset += chunk->bytes.size();
        more = offset < what_.bytes;
        // Not repeatable: after a reconnect the head says where it stands.
        under_way.emplace_back(connection_, *chunk, stall_ms_, false);
      }
      auto state = under_way.front().take();
      under_way.pop_front();
      if (!state) return state.error();
      advance_to(state->offset);
      complete = state->complete;
    }
    return complete;
  }

  Result<UploadChunk> next_chunk(std::uint64_t offset) {
    auto bytes = source_(offset, kMaxChunkBytes);
    if (!bytes) return bytes.error();
    if (bytes->empty() && offset < what_.bytes)
      return Error{Errc::corrupt, "the file became shorter while it was read"};
    UploadChunk chunk;
    chunk.sha256 = what_.sha256;
    chunk.offset = offset;
    chunk.bytes = *std::move(bytes);
    return chunk;
  }

  // Of a chunk. not_found: it reached a head that started meanwhile and knows
  // of no upload that was begun.
  static bool can_go_on(const Error& e) {
    return e.code == Errc::stale || e.code == Errc::timeout ||
           e.code == Errc::unavailable || e.code == Errc::not_found;
  }

  void pause(const Error& e) {
    const auto hint = e.retry_after_ms > 0 ? e.retry_after_ms : kPauseMs;
    std::this_thread::sleep_for(std::chrono::milliseconds{hint});
  }

  void advance_to(std::uint64_t offset) {
    if (offset <= reached_) return;
    reached_ = offset;
    moved();
    if (options_.progress) options_.progress(reached_, what_.bytes);
  }
  void moved() { moved_ms_ = system_steady_clock().now(); }
  std::int64_t left_ms() const {
    return moved_ms_ + stall_ms_ - system_steady_clock().now();
  }

  Connection& connection_;
  const ArtifactRef what_;
  const ByteSource& source_;
  const UploadOptions& options_;
  const std::int64_t stall_ms_;
  std::uint64_t reached_ = 0;
  SteadyMs moved_ms_ = 0;  // When a byte moved last.
};

}  // namespace

Result<ArtifactRef> upload(Connection& connection, ArtifactRef what,
                           const ByteSource& source,
                           const UploadOptions& options) {
  if (connection.on_own_thread()) return blocking_call_in_callback();
  return Upload{connection, std::move(what), source, options}.run();
}

}  // namespace troupe::client
