// Keys and values of the store, as bytes; docs/storage.md is their list. The
// log's values are msgpack and kept for ever; the index's are compact and
// thrown away when kIndexFormat changes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/change.hpp"
#include "persistence/job_store.hpp"

namespace troupe::storage {

inline constexpr char kKeyFormat = 1;  // First byte of every key.
inline constexpr std::uint64_t kIndexFormat = 2;

/// Jobs share a posting list or a time zone by the upper bits of their
/// spec_index.
inline constexpr unsigned kWindowBits = 12;
/// Events of one job are listed in groups of this many.
inline constexpr std::uint32_t kEventGroup = 64;

/// What is indexed by posting lists; never changes once it is there.
enum class Attribute : char {
  kind = 'k',
  model = 'm',
  tag = 'g',
  tenant = 't',
  parent = 'p',
  ended_as = 's',  // Terminal state; live ones have entries of their own.
};

// -- bytes --------------------------------------------------------------------

void put_u16(std::string& out, std::uint16_t x);  // All big-endian.
void put_u32(std::string& out, std::uint32_t x);
void put_u64(std::string& out, std::uint64_t x);
std::uint16_t get_u16(const char* bytes);
std::uint64_t get_u64(const char* bytes);
void put_varint(std::string& out, std::uint64_t x);
void put_signed(std::string& out, std::int64_t x);
void put_text(std::string& out, std::string_view x);
void put_id(std::string& out, JobId id);

/// Takes values off the front; after a failure all are zero and ok() false.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_{bytes} {}
  std::uint8_t byte();
  std::uint64_t u64();
  std::uint64_t varint();
  std::int64_t signed_varint();
  std::string_view text();
  JobId id();
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view take(std::size_t size);
  std::string_view rest_;
  bool ok_ = true;
};

// -- keys ---------------------------------------------------------------------

std::string log_key(std::uint64_t index);
std::optional<std::uint64_t> log_index(std::string_view key);

std::string meta_key();
std::string order_prefix();  // In `meta`: administrators' orders.
std::string order_key(std::uint64_t index);     // -> ""
std::string id_key(JobId id);                   // -> varint spec_index
std::string tombstone_key(JobId id);            // -> ""
std::string job_key(std::uint64_t spec_index);  // -> JobRecord
std::string live_key(JobState state, std::uint64_t spec_index);  // -> LiveJob
std::string live_prefix(JobState state);
std::string events_key(std::uint64_t spec_index, std::uint32_t first_seq);
std::string ended_key(std::uint64_t end_index);  // -> varint spec_index
std::string posting_prefix(Attribute attribute, std::string_view value);
std::string posting_key(std::string_view prefix, std::uint64_t spec_index);
std::string zone_key(std::uint64_t spec_index);
std::string artifact_prefix(std::string_view sha256_hex);
std::string artifact_key(std::string_view sha256_hex, std::uint64_t spec_index);
std::string dependent_prefix(JobId on);
std::string dependent_key(JobId on, std::uint64_t spec_index);
/// The number a key ends with.
std::uint64_t last_u64(std::string_view key);

// -- values -------------------------------------------------------------------

struct IndexMeta {
  std::uint64_t watermark = 0;  // Every entry up to it is indexed.
  std::uint64_t ended_jobs = 0;
};
std::string encode(const IndexMeta& meta);
/// Nothing for another kIndexFormat.
std::optional<IndexMeta> decode_meta(std::string_view bytes);

/// One job in the index.
struct JobRecord {
  JobSummary summary;
  UnixMs submitted_ms = 0;
  bool has_dependencies = false;
  /// Log indices of the newest summary.seq % kEventGroup events.
  std::vector<std::uint64_t> events;
};
std::string encode(const JobRecord& record);
std::optional<JobRecord> decode_job(std::uint64_t spec_index,
                                    std::string_view bytes);

/// Everything of a LiveJob but its summary and time of submit, which the
/// JobRecord has.
std::string encode_live(const LiveJob& job);
bool decode_live(std::string_view bytes, LiveJob& job);

std::string encode_group(std::uint64_t spec_index,
                         const std::vector<std::uint64_t>& events);
std::optional<std::vector<std::uint64_t>> decode_group(std::uint64_t spec_index,
                                                       std::string_view bytes);

/// The numbers of `postings` (offsets as put_u16, in any order, perhaps
/// twice) in window `window`, ascending.
std::vector<std::uint64_t> decode_postings(std::uint64_t window,
                                           std::string_view postings);

struct Zone {  // Of submitted_ms in one window.
  UnixMs min_ms = 0;
  UnixMs max_ms = 0;
};
std::string encode(const Zone& zone);
std::optional<Zone> decode_zone(std::string_view bytes);

/// A log value: map {"epoch", "change"}.
void append_record(std::string& out, std::uint64_t epoch, const Change& change);
/// Errors: corrupt, with the entry's index.
Result<LogEntry> decode_record(std::uint64_t index, std::string_view bytes);

}  // namespace troupe::storage
