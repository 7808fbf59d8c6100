#include "config/option_table.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "config/gpu_choice.hpp"
#include "config/host.hpp"
#include "config/units.hpp"
#include "core/nearest.hpp"

namespace troupe {
namespace {

using std::string_view;
using Number = std::int64_t& (*)(Config&);
using Text = std::string& (*)(Config&);

constexpr std::int64_t kSecond = 1'000;
constexpr std::int64_t kHour = 3'600 * kSecond;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kYear = 365 * kDay;
constexpr std::int64_t kKiB = 1'024;
constexpr std::int64_t kMiB = kKiB * 1'024;
constexpr std::int64_t kGiB = kMiB * 1'024;
constexpr std::int64_t kTiB = kGiB * 1'024;

constexpr OptionRow count(string_view name, Number at, std::int64_t min,
                          std::int64_t max, string_view help) {
  return {name, OptionUnit::count, at, nullptr, min, max, {}, help};
}
constexpr OptionRow ms(string_view name, Number at, std::int64_t min,
                       std::int64_t max, string_view help) {
  return {name, OptionUnit::ms, at, nullptr, min, max, {}, help};
}
constexpr OptionRow bytes(string_view name, Number at, std::int64_t min,
                          std::int64_t max, string_view help) {
  return {name, OptionUnit::bytes, at, nullptr, min, max, {}, help};
}
constexpr OptionRow text(string_view name, Text at, string_view allowed,
                         string_view help) {
  return {name, OptionUnit::text, nullptr, at, 0, 0, allowed, help};
}

// Where a value lives.
#define AT(member) [](Config& c) -> std::int64_t& { return c.member; }
#define TEXT_AT(member) [](Config& c) -> std::string& { return c.member; }

constexpr std::array kTable{
    text("node.name", TEXT_AT(node.name), "",
         "Name of this node; empty: the machine's host name."),
    text("node.listen", TEXT_AT(node.listen), kAnAddress,
         "Address the node listens on. Mutual TLS is asked for on every "
         "address, loopback too."),
    count("node.port", AT(node.port), 0, 65'535,
          "Port the node listens on; 0: any free one. Clients of the same "
          "machine find it through the data folder."),
    count("node.cpu_slots", AT(node.cpu_slots), 0, 4'096,
          "Slots of the CPU; 0: as many as cores. A job takes one, if its "
          "memory fits; jobs that one text model computes together share "
          "one."),
    bytes("node.memory_bytes", AT(node.memory_bytes), 0, 64 * kTiB,
          "Memory that jobs may reserve; 0: memory_percent of the "
          "machine's."),
    count("node.memory_percent", AT(node.memory_percent), 1, 100,
          "Share of the machine's memory that jobs may reserve."),
    text("node.gpus", TEXT_AT(node.gpus), kSomeGpus,
         "GPUs that the node takes, by CUDA's numbers; auto: all that can be "
         "used."),
    count("node.gpu_slots", AT(node.gpu_slots), 1, 4'096,
          "Slots of each GPU. A job takes one, if its memory fits; jobs that "
          "one text model computes together share one. Models that hold "
          "several take turns on the GPU, step by step."),
    count("node.gpu_memory_percent", AT(node.gpu_memory_percent), 1, 100,
          "Share of a GPU's memory that jobs may reserve; CUDA and other "
          "programs need the rest."),
    ms("node.gpu_search_ms", AT(node.gpu_search_ms), 100, kHour,
       "How long the search for GPUs may take at the node's start; a driver "
       "that is slower is left alone."),
    text("node.gpu_kernels", TEXT_AT(node.gpu_kernels), "plain|hopper",
         "Which attention GPUs of compute capability 9.0 have; hopper is "
         "kernels of their own, of which no run on a device is recorded yet."),
    ms("node.stop_grace_ms", AT(node.stop_grace_ms), 0, kHour,
       "How long running jobs get to end when the node stops. A stop that "
       "takes 30 s longer ends at once."),
    count("node.actor_threads", AT(node.actor_threads), 1, 256,
          "Threads that sessions, scheduler and event hub share; what blocks "
          "has its own. More only pay with very many clients."),

    count("queue.max_jobs", AT(queue.max_jobs), 1, 100'000'000,
          "Jobs that wait or run; beyond it submits are answered "
          "`unavailable`."),
    ms("queue.ageing_ms", AT(queue.ageing_ms), 1, kDay,
       "Waiting so long lifts a job by one priority class."),

    bytes("job.max_params_bytes", AT(job.max_params_bytes), kKiB, 16 * kKiB,
          "Parameters of a job; more must travel as an input file."),
    bytes("job.max_spec_bytes", AT(job.max_spec_bytes), kKiB, 48 * kKiB,
          "A job's whole specification."),
    count("job.max_tags", AT(job.max_tags), 0, 1'024, "Tags of a job."),
    bytes("job.max_tag_bytes", AT(job.max_tag_bytes), 1, 1'024,
          "Length of a tag."),
    count("job.max_inputs", AT(job.max_inputs), 0, 1'024,
          "Input files of a job."),
    count("job.max_bindings", AT(job.max_bindings), 0, 1'024,
          "Parameters of a job taken from results of earlier jobs."),
    count("job.max_depends_on", AT(job.max_depends_on), 0, 1'024,
          "Jobs that one job may wait for."),
    count("job.max_attempts", AT(job.max_attempts), 1, 10'000,
          "The most attempts a job may ask for."),
    ms("job.max_timeout_ms", AT(job.max_timeout_ms), kSecond, kYear,
       "The longest time limit of an attempt a job may ask for."),
    ms("job.max_backoff_ms", AT(job.max_backoff_ms), kSecond, kYear,
       "The longest pause between attempts a job may ask for."),

    ms("lease.duration_ms", AT(lease.duration_ms), 100, kHour,
       "An attempt without a heartbeat for so long is lost."),
    ms("lease.heartbeat_ms", AT(lease.heartbeat_ms), 10, kHour,
       "Time between the heartbeats of an executor."),
    ms("lease.stop_grace_ms", AT(lease.stop_grace_ms), 100, kHour,
       "An attempt told to stop that has not ended by then is fenced."),

    count("retry.max_crashes", AT(retry.max_crashes), 1, 1'000,
          "A job that ran at so many crashes of the node or its device in a "
          "row fails as `suspect`."),

    ms("retention.max_age_ms", AT(retention.max_age_ms), kSecond, 100 * kYear,
       "Ended jobs older than this are forgotten."),
    count("retention.max_jobs", AT(retention.max_jobs), 0, 1'000'000'000,
          "Ended jobs beyond this number are forgotten, oldest first; 0: no "
          "limit."),
    ms("retention.sweep_ms", AT(retention.sweep_ms), 100, kDay,
       "Time between two looks for jobs to forget."),

    bytes("store.block_cache_bytes", AT(store.block_cache_bytes), kMiB, kTiB,
          "Memory for blocks of the job store that were read."),
    bytes("store.write_buffer_bytes", AT(store.write_buffer_bytes), kMiB,
          16 * kGiB, "Memory for records not yet in a table file."),
    bytes("store.low_water_bytes", AT(store.low_water_bytes), 0, 64 * kTiB,
          "With less free disk than this, submits and uploads are answered "
          "`disk_full`."),
    bytes("store.reserve_bytes", AT(store.reserve_bytes), 0, kTiB,
          "Disk held back, so that running jobs can end when it is full."),
    count("store.max_batch_changes", AT(store.max_batch_changes), 1, 1'000'000,
          "Changes of one write and sync."),

    bytes("artifact.max_bytes", AT(artifact.max_bytes), kKiB, 64 * kTiB,
          "The largest file that is taken."),
    ms("artifact.upload_expiry_ms", AT(artifact.upload_expiry_ms), kSecond,
       kYear, "Uploads that no job refers to are removed after this time."),

    count("event.ring_entries", AT(event.ring_entries), 16, 10'000'000,
          "Durable events kept in memory for followers."),
    bytes("event.ring_bytes", AT(event.ring_bytes), 64 * kKiB, 16 * kGiB,
          "Bytes of them."),
    count("event.live_events", AT(event.live_events), 1, 1'000'000,
          "Live events (progress, log lines) kept in memory per attempt."),
    bytes("event.live_bytes", AT(event.live_bytes), 4 * kKiB, kGiB,
          "Bytes of them."),
    bytes("event.token_bytes", AT(event.token_bytes), 4 * kKiB, kGiB,
          "Text of an attempt's answers as it came, kept in memory for who "
          "follows late; about 110 bytes a token."),
    ms("event.live_interval_ms", AT(event.live_interval_ms), 0, 60 * kSecond,
       "Least time between two progress events of an attempt; 0ms: all are "
       "told, for programs that count them."),
    count("event.quiet_notes", AT(event.quiet_notes), 0, 1'000'000,
          "Durable events of an attempt that say a command is silent; later "
          "silences are live lines only."),
    ms("event.max_wait_ms", AT(event.max_wait_ms), 1, kHour,
       "How long a follower's request may be held back."),

    count("wire.max_sessions", AT(wire.max_sessions), 1, 65'536,
          "Sessions at once."),
    ms("wire.request_timeout_ms", AT(wire.request_timeout_ms), 100, kHour,
       "A request inside the node that takes longer is answered `timeout`."),
    count("wire.window_jobs", AT(wire.window_jobs), 1, 1'000'000,
          "Unanswered submits of one session; more are answered "
          "`unavailable`."),
    count("wire.window_requests", AT(wire.window_requests), 1, 1'000'000,
          "Unanswered other requests of one session."),

    count("supervisor.intensity", AT(supervisor.intensity), 0, 10'000,
          "Restarts of one actor within supervisor.period_ms; one more and "
          "the node ends with the reason."),
    ms("supervisor.period_ms", AT(supervisor.period_ms), 1, kDay,
       "That period."),
    ms("supervisor.backoff_ms", AT(supervisor.backoff_ms), 0, kHour,
       "Pause before the second restart in a period; it doubles from there."),
    ms("supervisor.max_backoff_ms", AT(supervisor.max_backoff_ms), 0, kHour,
       "The longest such pause."),
};

#undef AT
#undef TEXT_AT

string_view section_of(string_view name) {
  return name.substr(0, name.find('.'));
}

std::string number_text(OptionUnit unit, std::int64_t value) {
  if (unit == OptionUnit::ms) return exact_duration(value);
  if (unit == OptionUnit::bytes) return exact_bytes(value);
  return std::to_string(value);
}

Result<std::int64_t> parse_number(OptionUnit unit, string_view text) {
  std::int64_t value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return value;
  if (unit == OptionUnit::ms) return parse_duration_ms(text);
  if (unit == OptionUnit::bytes) return parse_bytes(text);
  return Error{Errc::invalid_argument,
               "'" + std::string(text) + "' is no whole number"};
}

bool is_allowed(string_view allowed, string_view text) {
  if (allowed.empty()) return true;
  while (!allowed.empty()) {
    auto end = std::min(allowed.find('|'), allowed.size());
    if (allowed.substr(0, end) == text) return true;
    allowed.remove_prefix(std::min(end + 1, allowed.size()));
  }
  return false;
}

Error wrong(string_view name, const std::string& why) {
  auto message = std::string(name) + ": " + why;
  return Error{Errc::invalid_argument, message, {{std::string(name), why}}};
}

/// "; did you mean 'queue.max_jobs'?" for a key whose section is left out.
std::string in_sections(string_view key) {
  std::vector<std::string> keys, full;
  for (const auto& row : kTable)
    keys.emplace_back(row.name.substr(row.name.find('.') + 1));
  const auto nearest = nearest_names(key, keys);
  if (nearest.empty()) return {};
  for (const auto& row : kTable)
    if (row.name.ends_with("." + nearest.front())) full.emplace_back(row.name);
  std::string text;
  for (const auto& one : full)
    text += (text.empty() ? "; did you mean '" : " or '") + one + "'";
  return text + "?";
}

}  // namespace

std::span<const OptionRow> option_table() {
  return kTable;
}

const OptionRow* find_option(string_view name) {
  auto row = std::find_if(kTable.begin(), kTable.end(),
                          [&](const OptionRow& r) { return r.name == name; });
  return row == kTable.end() ? nullptr : &*row;
}

std::string unknown_option(string_view name) {
  std::vector<std::string> all, sections, keys;
  for (const auto& row : kTable) {
    all.emplace_back(row.name);
    std::string section(section_of(row.name));
    if (sections.empty() || sections.back() != section)
      sections.push_back(section);
    if (section == section_of(name)) keys.emplace_back(row.name);
  }
  auto near = did_you_mean(name, all);
  // A whole section, or a key without its section.
  if (near.empty() && keys.empty()) near = did_you_mean(name, sections);
  if (near.empty() && name.find('.') == name.npos) near = in_sections(name);
  std::string list;
  for (const auto& known : keys.empty() ? sections : keys)
    list += (list.empty() ? "" : ", ") + known;
  return "'" + std::string(name) + "' is unknown" + near +
         (near.empty() ? "; " : " ") +
         (keys.empty() ? "sections are " : "known are ") + list;
}

Status set_option(Config& config, string_view name, string_view value) {
  const auto* row = find_option(name);
  if (!row) {
    auto why = unknown_option(name);
    return Error{Errc::invalid_argument, why, {{std::string(name), why}}};
  }
  if (row->unit == OptionUnit::text) {
    if (row->allowed == kAnAddress) {
      if (auto fault = host_fault(value); !fault.empty())
        return wrong(name, fault);
    } else if (row->allowed == kSomeGpus) {
      if (auto fault = gpu_choice_fault(value); !fault.empty())
        return wrong(name, fault);
    } else if (!is_allowed(row->allowed, value)) {
      return wrong(name, "'" + std::string(value) + "' is none of " +
                             std::string(row->allowed));
    }
    row->text(config) = value;
    return ok();
  }
  auto number = parse_number(row->unit, value);
  if (!number) return wrong(name, number.error().message);
  if (*number < row->min || *number > row->max)
    return wrong(name, "'" + std::string(value) +
                           "' is out of range; allowed: " + option_range(*row));
  row->number(config) = *number;
  return ok();
}

std::string option_text(const OptionRow& row, const Config& config) {
  auto copy = config;
  if (row.unit == OptionUnit::text) return row.text(copy);
  return number_text(row.unit, row.number(copy));
}

std::string option_range(const OptionRow& row) {
  if (row.unit == OptionUnit::text)
    return row.allowed.empty() ? "any text" : std::string(row.allowed);
  return number_text(row.unit, row.min) + " to " +
         number_text(row.unit, row.max);
}

std::vector<Fault> check_config(const Config& config) {
  std::vector<Fault> faults;
  if (config.lease.duration_ms < 2 * config.lease.heartbeat_ms)
    faults.push_back({"lease.duration_ms",
                      "must be at least twice lease.heartbeat_ms, or one late "
                      "heartbeat loses a running attempt"});
  if (config.supervisor.max_backoff_ms < config.supervisor.backoff_ms)
    faults.push_back({"supervisor.max_backoff_ms",
                      "must be at least supervisor.backoff_ms"});
  if (config.job.max_spec_bytes < config.job.max_params_bytes)
    faults.push_back(
        {"job.max_spec_bytes", "must be at least job.max_params_bytes"});
  return faults;
}

std::string option_markdown() {
  const Config defaults;
  std::string out;
  string_view section;
  for (const auto& row : kTable) {
    if (section_of(row.name) != section) {
      section = section_of(row.name);
      out += (out.empty() ? "### [" : "\n### [") + std::string(section) +
             "]\n\n| name | default | range | what it does |\n"
             "|---|---|---|---|\n";
    }
    auto value = option_text(row, defaults);
    std::string range = option_range(row);
    for (auto at = range.find('|'); at != range.npos;
         at = range.find('|', at + 3))
      range.replace(at, 1, ", ");
    out += "| `" + std::string(row.name.substr(section.size() + 1)) + "` | " +
           (value.empty() ? "(empty)" : "`" + value + "`") + " | " + range +
           " | " + std::string(row.help) + " |\n";
  }
  return out;
}

}  // namespace troupe
