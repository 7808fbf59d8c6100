#include "tests/simulation/log_hash.hpp"

namespace troupe::simulation {

void LogHash::add(std::string_view bytes) {
  add(bytes.size());
  for (const char c : bytes) {
    value_ ^= static_cast<unsigned char>(c);
    value_ *= 0x100000001b3ull;
  }
}

void LogHash::add(std::uint64_t number) {
  for (int i = 0; i < 8; ++i) {
    value_ ^= number >> (8 * i) & 0xff;
    value_ *= 0x100000001b3ull;
  }
}

namespace {

void add_spec(LogHash& hash, const JobSpec& spec) {
  hash.add(spec.kind);
  hash.add(spec.params);
  hash.add(spec.tenant);
  hash.add(static_cast<std::uint64_t>(spec.priority));
  hash.add(static_cast<std::uint64_t>(spec.submitted_ms));
  hash.add(static_cast<std::uint64_t>(spec.deadline_ms.value_or(0)));
  hash.add(static_cast<std::uint64_t>(spec.not_before_ms.value_or(0)));
  hash.add(spec.memory_bytes);
  for (const JobId& id : spec.depends_on) hash.add(id.lo);
}

void add_failure(LogHash& hash, const Failure& failure) {
  hash.add(static_cast<std::uint64_t>(failure.klass));
  hash.add(failure.reason);
}

}  // namespace

void LogHash::add(const LogEntry& entry) {
  const Change& c = entry.change;
  add(entry.index);
  add(entry.epoch);
  add(static_cast<std::uint64_t>(c.type));
  add(c.job.hi);
  add(c.job.lo);
  add(c.seq);
  add(c.attempt);
  add(static_cast<std::uint64_t>(c.time_ms));
  if (c.spec) add_spec(*this, *c.spec);
  if (c.start) {
    add(c.start->device);
    add(c.start->memory_bytes);
  }
  if (c.requeue) {
    add_failure(*this, c.requeue->failure);
    add(static_cast<std::uint64_t>(c.requeue->not_before_ms));
    add(c.requeue->failures);
    add(c.requeue->crashes);
  }
  if (c.end) {
    add(static_cast<std::uint64_t>(c.end->state));
    if (c.end->failure) add_failure(*this, *c.end->failure);
    add(c.end->result);
  }
  if (c.note) add(c.note->name);
}

std::uint64_t hash_of(const LogEntry& entry) {
  LogHash hash;
  hash.add(entry);
  return hash.value();
}

}  // namespace troupe::simulation
