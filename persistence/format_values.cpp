// The values under the keys of format.cpp.
#include <algorithm>

#include "persistence/format.hpp"

namespace troupe::storage {

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

std::int64_t made_ms(JobId id) {
  return static_cast<std::int64_t>(id.hi >> 16);
}

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

}  // namespace troupe::storage
