// Every limit and setting of the system by name, with its default. Plain
// values: apps reads them from file, environment and command line and maps
// them onto what the parts take. Ranges and help texts are in
// config/option_table.cpp; docs/configuration.md is made from there.
#pragma once

#include <cstdint>
#include <string>

namespace troupe {

struct NodeConfig {
  std::string name;  // Empty: the machine's host name.
  std::string listen = "127.0.0.1";
  std::int64_t port = 0;          // 0: any free one.
  std::int64_t cpu_slots = 0;     // 0: as many as cores.
  std::int64_t memory_bytes = 0;  // 0: memory_percent of the machine's.
  std::int64_t memory_percent = 80;
  std::string gpus = "auto";   // config/gpu_choice.hpp
  std::int64_t gpu_slots = 1;  // An engine computes at a time.
  std::int64_t gpu_memory_percent = 90;
  std::int64_t gpu_search_ms = 10'000;
  std::string gpu_kernels = "plain";  // Or "hopper".
  std::int64_t stop_grace_ms = 15'000;
  std::int64_t actor_threads = 1;
};

struct QueueConfig {
  std::int64_t max_jobs = 2'000'000;  // Not terminal.
  std::int64_t ageing_ms = 60'000;    // Of waiting lift a job by one class.
};

struct JobConfig {
  std::int64_t max_params_bytes = 16 * 1024;
  std::int64_t max_spec_bytes = 48 * 1024;
  std::int64_t max_tags = 32;
  std::int64_t max_tag_bytes = 128;
  std::int64_t max_inputs = 64;
  std::int64_t max_bindings = 64;
  std::int64_t max_depends_on = 64;
  std::int64_t max_attempts = 100;
  std::int64_t max_timeout_ms = 30ll * 24 * 3'600 * 1'000;
  std::int64_t max_backoff_ms = 24ll * 3'600 * 1'000;
};

struct LeaseConfig {
  std::int64_t duration_ms = 15'000;
  std::int64_t heartbeat_ms = 2'000;
  std::int64_t stop_grace_ms = 30'000;  // From a stop order to its fencing.
};

struct RetryConfig {
  std::int64_t max_crashes = 3;  // In a row; then the job is suspect.
};

struct RetentionConfig {
  std::int64_t max_age_ms = 30ll * 24 * 3'600 * 1'000;  // After the end.
  std::int64_t max_jobs = 1'000'000;                    // Terminal ones.
  std::int64_t sweep_ms = 60'000;
};

struct StoreConfig {
  std::int64_t block_cache_bytes = 64ll << 20;
  std::int64_t write_buffer_bytes = 32ll << 20;
  std::int64_t low_water_bytes = 256ll << 20;  // Submits stop below.
  std::int64_t reserve_bytes = 64ll << 20;     // Lets running jobs finish.
  std::int64_t max_batch_changes = 8'192;
};

struct ArtifactConfig {
  std::int64_t max_bytes = 64ll << 30;
  std::int64_t upload_expiry_ms = 24ll * 3'600 * 1'000;
};

struct EventConfig {
  std::int64_t ring_entries = 16'384;
  std::int64_t ring_bytes = 8ll << 20;
  std::int64_t live_events = 256;
  std::int64_t live_bytes = 256ll << 10;
  std::int64_t token_bytes = 4ll << 20;
  std::int64_t live_interval_ms = 100;
  std::int64_t quiet_notes = 100;  // Of an attempt; then live lines only.
  std::int64_t max_wait_ms = 30'000;
};

struct WireConfig {
  std::int64_t max_sessions = 1'024;
  std::int64_t request_timeout_ms = 30'000;
  std::int64_t window_jobs = 16'384;  // Unanswered submits of a session.
  std::int64_t window_requests = 256;
};

struct SupervisorConfig {
  std::int64_t intensity = 8;
  std::int64_t period_ms = 60'000;
  std::int64_t backoff_ms = 50;
  std::int64_t max_backoff_ms = 5'000;
};

struct Config {
  NodeConfig node;
  QueueConfig queue;
  JobConfig job;
  LeaseConfig lease;
  RetryConfig retry;
  RetentionConfig retention;
  StoreConfig store;
  ArtifactConfig artifact;
  EventConfig event;
  WireConfig wire;
  SupervisorConfig supervisor;
};

// The same defaults, for parts whose own options repeat a setting.
inline constexpr QueueConfig kQueueDefaults{};
inline constexpr LeaseConfig kLeaseDefaults{};
inline constexpr RetryConfig kRetryDefaults{};
inline constexpr RetentionConfig kRetentionDefaults{};
inline constexpr StoreConfig kStoreDefaults{};
inline constexpr ArtifactConfig kArtifactDefaults{};
inline constexpr EventConfig kEventDefaults{};
inline constexpr WireConfig kWireDefaults{};

}  // namespace troupe
