// The names of the frames that cross a process and the struct behind each.
// Bytes are a msgpack map of that struct: unknown fields are skipped, missing
// ones defaulted. A reply is named after its request with ".ok" behind, or
// "error" (an Error); an unknown name is answered `unsupported`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "actors/protocol.hpp"
#include "codec/msgpack.hpp"
#include "core/api.hpp"

namespace troupe {

inline constexpr std::uint16_t kProtocolMin = 1;
inline constexpr std::uint16_t kProtocolMax = 1;

/// The first frame of a connection: to the gate, answered with HelloReply and
/// the session.
struct Hello {
  std::uint16_t protocol_min = kProtocolMin;
  std::uint16_t protocol_max = kProtocolMax;
  std::string build;  // "troupe 0.1.0 (0123456789ab)"; for logs only.
};
struct HelloReply {
  std::uint16_t protocol = 0;  // The one both speak from now on.
  std::string build;
  std::string node;
  std::string store_id;           // Cursors mean something under this one only.
  Principal principal;            // Who the head takes this client for.
  std::uint32_t window_jobs = 0;  // Submits unanswered at a time.
  std::uint32_t max_frame_bytes = kMaxFrameBytes;
};

struct StatusRequest {};
struct BackupRequest {
  std::string folder;  // On the head's machine.
};
struct BackupReply {};

template <class Inspector>
bool inspect(Inspector& f, Hello& x) {
  return f.object(x).fields(f.field("protocol_min", x.protocol_min),
                            f.field("protocol_max", x.protocol_max),
                            f.field("build", x.build));
}
template <class Inspector>
bool inspect(Inspector& f, HelloReply& x) {
  return f.object(x).fields(
      f.field("protocol", x.protocol), f.field("build", x.build),
      f.field("node", x.node), f.field("store_id", x.store_id),
      f.field("principal", x.principal), f.field("window_jobs", x.window_jobs),
      f.field("max_frame_bytes", x.max_frame_bytes));
}
template <class Inspector>
bool inspect(Inspector& f, StatusRequest& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, BackupRequest& x) {
  return f.object(x).fields(f.field("folder", x.folder));
}
template <class Inspector>
bool inspect(Inspector& f, BackupReply& x) {
  return f.object(x).fields();
}

/// FrameOf<Request>: its name and the struct that answers it.
template <class Request>
struct FrameOf;

#define TROUPE_FRAME(Request, text, Answer)        \
  template <>                                      \
  struct FrameOf<Request> {                        \
    static constexpr std::string_view name = text; \
    using Reply = Answer;                          \
  };
TROUPE_FRAME(Hello, "hello", HelloReply)
TROUPE_FRAME(SubmitRequest, "submit", SubmitReply)
TROUPE_FRAME(ShowRequest, "show", ShowReply)
TROUPE_FRAME(ListRequest, "list", ListReply)
TROUPE_FRAME(PullRequest, "pull", PullReply)
TROUPE_FRAME(CancelRequest, "cancel", CancelReply)
TROUPE_FRAME(ControlRequest, "control", ControlReply)
TROUPE_FRAME(ExplainRequest, "explain", ExplainReply)
TROUPE_FRAME(StatusRequest, "status", NodeStatus)
TROUPE_FRAME(BackupRequest, "backup", BackupReply)
TROUPE_FRAME(UploadBegin, "upload.begin", UploadState)
TROUPE_FRAME(UploadChunk, "upload.chunk", UploadState)
TROUPE_FRAME(DownloadChunk, "download.chunk", ChunkReply)
#undef TROUPE_FRAME

inline constexpr std::string_view kErrorFrame = "error";

template <class Request>
Frame request_frame(const Request& request) {
  return {kProtocolMax, std::string(FrameOf<Request>::name),
          to_msgpack(request)};
}

template <class Request>
Frame reply_frame(const typename FrameOf<Request>::Reply& reply) {
  return {kProtocolMax, std::string(FrameOf<Request>::name) + ".ok",
          to_msgpack(reply)};
}

inline Frame error_frame(const Error& error) {
  return {kProtocolMax, std::string(kErrorFrame), to_msgpack(error)};
}

/// REQUIRES: frame.type is the request's name. Errors: those of msgpack.
template <class Request>
Result<Request> read_request(const Frame& frame) {
  return from_msgpack<Request>(frame.bytes);
}

/// What an error frame says; corrupt where it cannot be read.
inline Error read_error(const Frame& frame) {
  Error error;
  MsgpackReader reader{frame.bytes};
  return reader.value(error) ? error : reader.error();
}

/// The answer to a Request, or the Error the other side sent instead.
/// Errors beyond that one: unsupported (a reply of another name), corrupt.
template <class Request>
Result<typename FrameOf<Request>::Reply> read_reply(const Frame& frame) {
  using Reply = typename FrameOf<Request>::Reply;
  if (frame.type == kErrorFrame) return read_error(frame);
  constexpr std::string_view name = FrameOf<Request>::name;
  if (frame.type.size() != name.size() + 3 || !frame.type.starts_with(name) ||
      !frame.type.ends_with(".ok"))
    return Error{Errc::unsupported, "the answer to \"" + std::string(name) +
                                        "\" is of a kind unknown here: \"" +
                                        frame.type + "\""};
  return from_msgpack<Reply>(frame.bytes);
}

}  // namespace troupe
