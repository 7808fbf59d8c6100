// The kind `process.run`: a program started by its argument list, never by a
// shell. Its parameters, checked and with defaults filled in.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/kind.hpp"

namespace troupe {

/// How a line of output tells progress. Positional in records: new ones go at
/// the end.
enum class ProgressRuleType : std::uint8_t {
  percent = 1,    // "37 %", "37.5%"
  tqdm,           // "42%|####  | 42/100 [00:10<00:14, 4.2it/s, loss=0.1]"
  steps,          // "epoch 2/10", "step 30/100", "[30/100]"
  loss,           // "loss: 1.2e-3", "avr_loss=0.12"
  learning_rate,  // "lr=1e-4", "learning_rate: 0.0001"
  eta,            // "ETA 0:01:23", "eta: 1m20s"
  ffmpeg,         // ffmpeg -progress: key=value lines
};
std::string_view to_string(ProgressRuleType type);

struct ProgressRule {
  ProgressRuleType type = ProgressRuleType::percent;
  /// ffmpeg: length of what is written; absent: from ffmpeg's own "Duration:".
  std::optional<double> duration_s;
};

struct ProcessRunParams {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
  std::vector<std::string> inherit_env;  // Names taken from the node's own.
  std::string cwd;                       // Empty: the attempt's scratch folder.
  std::optional<std::string> stdin_text;
  std::optional<std::string> stdin_input;  // Name of an input file.
  std::vector<std::string> outputs;        // Paths or globs below the scratch.
  std::vector<ProgressRule> progress;
  std::int64_t grace_ms = 10'000;
  std::int64_t quiet_ms = 30'000;  // 0: silence is no event.
  std::uint64_t log_bytes = 4u << 20;
};

// Limits of one job's parameters.
inline constexpr std::size_t kMaxArguments = 4'096;
inline constexpr std::size_t kMaxArgumentBytes = 64 * 1024;  // One of them.
inline constexpr std::size_t kMaxOutputPatterns = 64;
inline constexpr std::int64_t kMaxGraceMs = 10 * 60 * 1'000;
inline constexpr std::int64_t kMaxQuietMs = 24 * 60 * 60 * 1'000;
inline constexpr std::uint64_t kMinProcessLogBytes = 256 * 1024;
inline constexpr std::uint64_t kMaxProcessLogBytes = 64u << 20;

const Kind& process_run_kind();

/// Whether the job's own logs are called so ("attempt-2.log"), or a pattern
/// for outputs that names them. No output is.
bool is_log_name(std::string_view name);

/// What is wrong with the name of a progress rule, with the nearest; nothing
/// for one that is known.
std::optional<std::string> unknown_rule(const std::string& name);

/// Reads params that process_run_kind().normalise() wrote, with bindings
/// filled in since. Errors: invalid_argument with a fault per thing wrong.
Result<ProcessRunParams> parse_process_run(const std::string& params);

}  // namespace troupe
