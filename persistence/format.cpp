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
