// The table of all settings: name, range, unit, help, and where the value
// lives in Config. File reader, `troupe config` and docs/configuration.md all
// read this one table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.hpp"
#include "core/result.hpp"

namespace troupe {

enum class OptionUnit : std::uint8_t { count = 1, ms, bytes, text };

/// `allowed` of a text that must be an address: config/host.hpp.
inline constexpr std::string_view kAnAddress = "an IP address or a host name";

/// `allowed` of a text that chooses GPUs: config/gpu_choice.hpp.
inline constexpr std::string_view kSomeGpus = "auto, none or numbers as 0,2";

struct OptionRow {
  std::string_view name;  // "queue.max_jobs": section and key of the file.
  OptionUnit unit = OptionUnit::count;
  std::int64_t& (*number)(Config&) = nullptr;  // Null for OptionUnit::text.
  std::string& (*text)(Config&) = nullptr;     // Null for all others.
  std::int64_t min = 0;                        // Range of a number: [min, max].
  std::int64_t max = 0;
  // Values of a text, separated by '|', or one of the above; empty: any.
  std::string_view allowed;
  std::string_view help;
};

std::span<const OptionRow> option_table();

/// Null for an unknown name.
const OptionRow* find_option(std::string_view name);

/// "'queue.max_job' is unknown; did you mean 'queue.max_jobs'?" and the list
/// of what is known in that section, or of all sections.
std::string unknown_option(std::string_view name);

/// Sets one value from its text form ("30s", "64MiB", "4096").
/// Errors: invalid_argument (unknown name, wrong unit, out of range).
Status set_option(Config& config, std::string_view name, std::string_view text);

/// The value as set_option() reads it and people write it.
std::string option_text(const OptionRow& row, const Config& config);

/// "1 to 65535", "error|warning|info|debug".
std::string option_range(const OptionRow& row);

/// What holds between values: lease longer than two heartbeats and so on.
/// Each fault names the option to change.
std::vector<Fault> check_config(const Config& config);

/// The tables of docs/configuration.md, in Markdown.
std::string option_markdown();

}  // namespace troupe
