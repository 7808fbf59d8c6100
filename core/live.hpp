// Live events: what people watch while an attempt runs. They are not durable,
// may be lost, and never carry a state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/job.hpp"

namespace troupe {

enum class LiveType : std::uint8_t { progress = 1, log, token };
std::string_view to_string(LiveType type);

/// Unit of a load, and of a prompt before its answer.
inline constexpr std::string_view kBytesUnit = "bytes";
inline constexpr std::string_view kPromptUnit = "prompt token";

struct Progress {
  double percent = -1;  // 0 to 100; below 0: unknown.
  Phase phase = Phase::executing;
  std::optional<std::int64_t> done;  // Steps, frames, epochs.
  std::optional<std::int64_t> total;
  std::optional<double> rate_per_s;  // Of `done`.
  std::optional<std::int64_t> eta_ms;
  std::optional<double> loss;
  std::optional<double> learning_rate;
  std::string unit;  // Of `done`: "frame", "step".
};

/// Whether the two tell of one part of the work (a load, a prompt, an answer),
/// so that one goes on where the other was.
inline bool same_part(const Progress& a, const Progress& b) {
  return a.phase == b.phase && a.unit == b.unit;
}

struct LogLine {
  std::string stream;  // "stdout", "stderr", "node".
  std::string text;    // Valid UTF-8 without line end.
};

/// Ordered within an attempt by `n`; stands after the durable event
/// `after_seq` of its job.
struct LiveEvent {
  JobId job;
  std::uint32_t attempt = 0;
  std::uint32_t after_seq = 0;  // Filled by the event hub.
  std::uint64_t n = 0;          // Filled by the event hub: from 1 per attempt.
  UnixMs time_ms = 0;
  LiveType type = LiveType::progress;
  std::optional<Progress> progress;
  std::optional<LogLine> log;
  std::string token;  // Text of an answer, whole characters.
  /// Of `token`: tokens of its answer up to its end. An attempt that is made
  /// again says the same at the same place, so a follower may drop it.
  std::optional<std::uint64_t> index;
  /// Filled by the event hub: `index` of the piece of this answer before it; 0:
  /// none is. Who has that one lacks nothing between.
  std::optional<std::uint64_t> after_index;
  std::optional<std::uint32_t> choice;  // Of several answers, which.
};

template <class Inspector>
bool inspect(Inspector& f, LiveType& x) {
  return inspect_enum(f, x, LiveType::token);
}
template <class Inspector>
bool inspect(Inspector& f, Progress& x) {
  return f.object(x).fields(
      f.field("percent", x.percent), f.field("phase", x.phase),
      f.field("done", x.done), f.field("total", x.total),
      f.field("rate_per_s", x.rate_per_s), f.field("eta_ms", x.eta_ms),
      f.field("loss", x.loss), f.field("learning_rate", x.learning_rate),
      f.field("unit", x.unit));
}
template <class Inspector>
bool inspect(Inspector& f, LogLine& x) {
  return f.object(x).fields(f.field("stream", x.stream),
                            f.field("text", x.text));
}
template <class Inspector>
bool inspect(Inspector& f, LiveEvent& x) {
  return f.object(x).fields(
      f.field("job", x.job), f.field("attempt", x.attempt),
      f.field("after_seq", x.after_seq), f.field("n", x.n),
      f.field("time_ms", x.time_ms), f.field("type", x.type),
      f.field("progress", x.progress), f.field("log", x.log),
      f.field("token", x.token), f.field("index", x.index),
      f.field("after_index", x.after_index), f.field("choice", x.choice));
}

}  // namespace troupe
