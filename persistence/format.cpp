#include "persistence/format.hpp"

#include <algorithm>

#include "codec/msgpack.hpp"

namespace troupe::storage {

// -- bytes --------------------------------------------------------------------

namespace {

template <class T>
void put_big(std::string& out, T x) {
  char bytes[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes[i] = static_cast<char>(x >> (8 * (sizeof(T) - 1 - i)));
  out.append(bytes, sizeof bytes);
}

template <class T>
T get_big(const char* bytes) {
  T x = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    x = static_cast<T>(x << 8 | static_cast<unsigned char>(bytes[i]));
  return x;
}

std::string key_of(char tag) {
  return {kKeyFormat, tag};
}

std::string key_of(char tag, std::uint64_t number) {
  auto key = key_of(tag);
  put_u64(key, number);
  return key;
}

std::string key_of(char tag, JobId id) {
  auto key = key_of(tag);
  put_id(key, id);
  return key;
}

int nibble(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

std::int64_t made_ms(JobId id) {
  return static_cast<std::int64_t>(id.hi >> 16);
}

}  // namespace

void put_u16(std::string& out, std::uint16_t x) {
  put_big(out, x);
}
void put_u32(std::string& out, std::uint32_t x) {
  put_big(out, x);
}
void put_u64(std::string& out, std::uint64_t x) {
  put_big(out, x);
}
std::uint16_t get_u16(const char* bytes) {
  return get_big<std::uint16_t>(bytes);
}
std::uint64_t get_u64(const char* bytes) {
  return get_big<std::uint64_t>(bytes);
}
void put_varint(std::string& out, std::uint64_t x) {
  for (; x >= 0x80; x >>= 7) out += static_cast<char>(x | 0x80);
  out += static_cast<char>(x);
}
void put_signed(std::string& out, std::int64_t x) {
  const auto bits = static_cast<std::uint64_t>(x);
  put_varint(out, bits << 1 ^ (x < 0 ? ~std::uint64_t{0} : 0));
}
void put_text(std::string& out, std::string_view x) {
  put_varint(out, x.size());
  out += x;
}
void put_id(std::string& out, JobId id) {
  put_u64(out, id.hi);
  put_u64(out, id.lo);
}

std::string_view ByteReader::take(std::size_t size) {
  if (size > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  const auto taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}
std::uint8_t ByteReader::byte() {
  const auto bytes = take(1);
  return bytes.empty() ? 0 : static_cast<std::uint8_t>(bytes[0]);
}
std::uint64_t ByteReader::u64() {
  const auto bytes = take(8);
  return bytes.empty() ? 0 : get_u64(bytes.data());
}
std::uint64_t ByteReader::varint() {
  std::uint64_t x = 0;
  for (int shift = 0; shift < 64 && ok_; shift += 7) {
    const auto b = byte();
    x |= std::uint64_t{b & 0x7fu} << shift;
    if (b < 0x80) return ok_ ? x : 0;
  }
  ok_ = false;
  return 0;
}
std::int64_t ByteReader::signed_varint() {
  const auto x = varint();
  return static_cast<std::int64_t>(x >> 1 ^ (~(x & 1) + 1));
}
std::string_view ByteReader::text() {
  return take(varint());
}
JobId ByteReader::id() {
  const auto hi = u64();
  return {hi, u64()};
}

// -- keys ---------------------------------------------------------------------

std::string log_key(std::uint64_t index) {
  std::string key(1, kKeyFormat);
  put_u64(key, index);
  return key;
}
std::optional<std::uint64_t> log_index(std::string_view key) {
  if (key.size() != 9 || key[0] != kKeyFormat) return std::nullopt;
  return get_u64(key.data() + 1);
}
std::string meta_key() {
  return key_of('m');
}
std::string id_key(JobId id) {
  return key_of('d', id);
}
std::string tombstone_key(JobId id) {
  return key_of('f', id);
}
std::string job_key(std::uint64_t spec_index) {
  return key_of('j', spec_index);
}
std::string live_prefix(JobState state) {
  return key_of('s') + static_cast<char>(state);
}
std::string live_key(JobState state, std::uint64_t spec_index) {
  auto key = live_prefix(state);
  put_u64(key, spec_index);
  return key;
}
std::string events_key(std::uint64_t spec_index, std::uint32_t first_seq) {
  auto key = key_of('e', spec_index);
  put_u32(key, first_seq);
  return key;
}
std::string ended_key(std::uint64_t end_index) {
  return key_of('t', end_index);
}
std::string posting_prefix(Attribute attribute, std::string_view value) {
  auto key = key_of('p') + static_cast<char>(attribute);
  put_text(key, value);
  return key;
}
std::string posting_key(std::string_view prefix, std::uint64_t spec_index) {
  std::string key{prefix};
  put_u64(key, spec_index >> kWindowBits);
  return key;
}
std::string zone_key(std::uint64_t spec_index) {
  return key_of('w', spec_index >> kWindowBits);
}
std::string artifact_prefix(std::string_view sha256_hex) {
  auto key = key_of('a');
  for (std::size_t i = 0; i + 1 < sha256_hex.size(); i += 2)
    key += static_cast<char>(nibble(sha256_hex[i]) << 4 |
                             nibble(sha256_hex[i + 1]));
  return key;
}
std::string artifact_key(std::string_view sha256_hex,
                         std::uint64_t spec_index) {
  auto key = artifact_prefix(sha256_hex);
  put_u64(key, spec_index);
  return key;
}
std::string dependent_prefix(JobId on) {
  return key_of('r', on);
}
std::string dependent_key(JobId on, std::uint64_t spec_index) {
  auto key = dependent_prefix(on);
  put_u64(key, spec_index);
  return key;
}
std::string order_prefix() {
  return {kKeyFormat, 'o'};
}
std::string order_key(std::uint64_t index) {
  auto key = order_prefix();
  put_u64(key, index);
  return key;
}
std::uint64_t last_u64(std::string_view key) {
  return key.size() < 8 ? 0 : get_u64(key.data() + key.size() - 8);
}

// -- values -------------------------------------------------------------------

std::string encode(const IndexMeta& meta) {
  std::string out;
  put_varint(out, kIndexFormat);
  put_varint(out, meta.watermark);
  put_varint(out, meta.ended_jobs);
  return out;
}
std::optional<IndexMeta> decode_meta(std::string_view bytes) {
  ByteReader in{bytes};
  if (in.varint() != kIndexFormat) return std::nullopt;
  IndexMeta meta;
  meta.watermark = in.varint();
  meta.ended_jobs = in.varint();
  if (!in.ok()) return std::nullopt;
  return meta;
}

namespace {

// Log indices of one job grow: the steps between them are small.
void put_steps(std::string& out, std::uint64_t from,
               const std::vector<std::uint64_t>& xs) {
  for (const auto x : xs) {
    put_varint(out, x - from);
    from = x;
  }
}

std::uint64_t distance(std::uint64_t from, std::uint64_t to) {
  return to == 0 ? 0 : to - from;
}

std::uint64_t at_distance(std::uint64_t from, std::uint64_t distance) {
  return distance == 0 ? 0 : from + distance;
}

}  // namespace

std::string encode(const JobRecord& record) {
  const JobSummary& s = record.summary;
  std::string out;
  out.reserve(64);
  put_id(out, s.id);
  out += static_cast<char>(static_cast<unsigned>(s.state) |
                           (record.has_dependencies ? 0x80 : 0));
  put_varint(out, s.attempt);
  put_varint(out, s.seq);
  put_varint(out, s.failures);
  put_varint(out, s.crashes);
  put_varint(out, distance(s.spec_index, s.start_index));
  put_varint(out, distance(s.spec_index, s.requeue_index));
  put_varint(out, distance(s.spec_index, s.end_index));
  put_signed(out, s.not_before_ms);
  put_signed(out, record.submitted_ms - made_ms(s.id));
  put_steps(out, s.spec_index, record.events);
  return out;
}

std::optional<JobRecord> decode_job(std::uint64_t spec_index,
                                    std::string_view bytes) {
  ByteReader in{bytes};
  JobRecord record;
  JobSummary& s = record.summary;
  s.spec_index = spec_index;
  s.id = in.id();
  const auto flags = in.byte();
  const auto state = flags & 0x7f;
  record.has_dependencies = (flags & 0x80) != 0;
  s.attempt = static_cast<std::uint32_t>(in.varint());
  s.seq = static_cast<std::uint32_t>(in.varint());
  s.failures = static_cast<std::uint32_t>(in.varint());
  s.crashes = static_cast<std::uint32_t>(in.varint());
  s.start_index = at_distance(spec_index, in.varint());
  s.requeue_index = at_distance(spec_index, in.varint());
  s.end_index = at_distance(spec_index, in.varint());
  s.not_before_ms = in.signed_varint();
  record.submitted_ms = made_ms(s.id) + in.signed_varint();
  auto at = spec_index;
  for (auto n = s.seq % kEventGroup; n > 0 && in.ok(); --n) {
    at += in.varint();
    record.events.push_back(at);
  }
  if (!in.ok() || state == 0 ||
      state > static_cast<std::uint8_t>(kLastJobState))
    return std::nullopt;
  s.state = static_cast<JobState>(state);
  return record;
}

static bool is_default(const RetryPolicy& x) {
  const RetryPolicy plain;
  return x.max_attempts == plain.max_attempts &&
         x.backoff_ms == plain.backoff_ms &&
         x.max_backoff_ms == plain.max_backoff_ms &&
         x.on_command_failure == plain.on_command_failure;
}

std::string encode_live(const LiveJob& job) {
  std::string out;
  out += static_cast<char>(job.priority);
  out += static_cast<char>(job.on_lost);
  put_text(out, job.kind);
  put_text(out, job.model);
  put_text(out, job.tenant);
  put_text(out, job.device);
  put_varint(out, job.memory_bytes);
  const bool plain_retry = is_default(job.retry);
  out += static_cast<char>((job.not_before_ms ? 1 : 0) |
                           (job.deadline_ms ? 2 : 0) |
                           (job.timeout_ms ? 4 : 0) | (plain_retry ? 0 : 8));
  if (job.not_before_ms) put_signed(out, *job.not_before_ms);
  if (job.deadline_ms) put_signed(out, *job.deadline_ms);
  if (job.timeout_ms) put_signed(out, *job.timeout_ms);
  if (!plain_retry) {
    put_varint(out, job.retry.max_attempts);
    put_signed(out, job.retry.backoff_ms);
    put_signed(out, job.retry.max_backoff_ms);
    out += static_cast<char>(job.retry.on_command_failure);
  }
  put_varint(out, job.depends_on.size());
  for (const auto id : job.depends_on) put_id(out, id);
  return out;
}

bool decode_live(std::string_view bytes, LiveJob& job) {
  ByteReader in{bytes};
  const auto priority = in.byte();
  const auto on_lost = in.byte();
  job.kind = in.text();
  job.model = in.text();
  job.tenant = in.text();
  job.device = in.text();
  job.memory_bytes = in.varint();
  const auto has = in.byte();
  if (has & 1) job.not_before_ms = in.signed_varint();
  if (has & 2) job.deadline_ms = in.signed_varint();
  if (has & 4) job.timeout_ms = in.signed_varint();
  if (has & 8) {
    job.retry.max_attempts = static_cast<std::uint32_t>(in.varint());
    job.retry.backoff_ms = in.signed_varint();
    job.retry.max_backoff_ms = in.signed_varint();
    job.retry.on_command_failure = in.byte() != 0;
  }
  for (auto n = in.varint(); n > 0 && in.ok(); --n)
    job.depends_on.push_back(in.id());
  if (!in.ok() || priority == 0 ||
      priority > static_cast<std::uint8_t>(Priority::high) || on_lost == 0 ||
      on_lost > static_cast<std::uint8_t>(OnLost::fail))
    return false;
  job.priority = static_cast<Priority>(priority);
  job.on_lost = static_cast<OnLost>(on_lost);
  return true;
}

std::string encode_group(std::uint64_t spec_index,
                         const std::vector<std::uint64_t>& events) {
  std::string out;
  put_steps(out, spec_index, events);
  return out;
}

std::optional<std::vector<std::uint64_t>> decode_group(std::uint64_t spec_index,
                                                       std::string_view bytes) {
  ByteReader in{bytes};
  std::vector<std::uint64_t> events;
  while (in.ok() && !in.at_end()) {
    spec_index += in.varint();
    events.push_back(spec_index);
  }
  if (!in.ok() || events.size() != kEventGroup) return std::nullopt;
  return events;
}

std::vector<std::uint64_t> decode_postings(std::uint64_t window,
                                           std::string_view postings) {
  std::vector<std::uint64_t> out;
  out.reserve(postings.size() / 2);
  for (std::size_t i = 0; i + 1 < postings.size(); i += 2)
    out.push_back(window << kWindowBits | get_u16(postings.data() + i));
  if (!std::ranges::is_sorted(out)) std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::string encode(const Zone& zone) {
  std::string out;
  put_u64(out, static_cast<std::uint64_t>(zone.min_ms));
  put_u64(out, static_cast<std::uint64_t>(zone.max_ms));
  return out;
}

std::optional<Zone> decode_zone(std::string_view bytes) {
  if (bytes.size() != 16) return std::nullopt;
  return Zone{static_cast<UnixMs>(get_u64(bytes.data())),
              static_cast<UnixMs>(get_u64(bytes.data() + 8))};
}

// -- the log ------------------------------------------------------------------

namespace {

struct Record {
  std::uint64_t epoch = 0;
  Change change;
};

template <class Inspector>
bool inspect(Inspector& f, Record& x) {
  return f.object(x).fields(f.field("epoch", x.epoch),
                            f.field("change", x.change));
}

}  // namespace

void append_record(std::string& out, std::uint64_t epoch,
                   const Change& change) {
  // As Record's inspect writes it, without copying the change.
  MsgpackWriter writer{out};
  writer.map_header(2);
  writer.text("epoch");
  writer.natural(epoch);
  writer.text("change");
  append_msgpack(out, change);
}

Result<LogEntry> decode_record(std::uint64_t index, std::string_view bytes) {
  auto record = from_msgpack<Record>(bytes);
  if (!record)
    return Error{Errc::corrupt, "log entry " + std::to_string(index) + ": " +
                                    record.error().message};
  return LogEntry{index, record->epoch, std::move(record->change)};
}

}  // namespace troupe::storage
