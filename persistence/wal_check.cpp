#include "persistence/wal_check.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>
#include <utility>
#include <vector>

#include "platform/file.hpp"

namespace troupe::storage {
namespace {

// RocksDB's log format: blocks of 32 KiB hold fragments
//   crc32c (4, masked) length (2) type (1) [log number (4)] payload
// little-endian; types 5 to 8 are 1 to 4 (full, first, middle, last) in a log
// that may lie over an older one. A record begins with sequence (8), count (4).
constexpr std::size_t kBlock = 32 * 1024;
constexpr std::size_t kHeader = 7;
constexpr std::size_t kRecyclableHeader = 11;

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables t{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78u : 0);
    t[0][i] = crc;
  }
  for (std::uint32_t i = 0; i < 256; ++i)
    for (std::size_t k = 1; k < 8; ++k)
      t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 255];
  return t;
}

constexpr Tables kTables = make_tables();

template <class T>
T little(const char* bytes) {
  T x = 0;
  for (std::size_t i = sizeof(T); i-- > 0;)
    x = static_cast<T>(x << 8 | static_cast<unsigned char>(bytes[i]));
  return x;
}

std::uint32_t masked_crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  const char* p = bytes.data();
  std::size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    const auto x = little<std::uint64_t>(p) ^ crc;
    crc = 0;
    for (std::size_t k = 0; k < 8; ++k)
      crc ^= kTables[7 - k][(x >> (8 * k)) & 255];
  }
  for (; n > 0; --n, ++p)
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*p)) & 255];
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

class LogScan {
 public:
  LogScan(std::string_view bytes, std::uint32_t number)
      : bytes_{bytes}, number_{number} {}

  /// False: a fragment fails its checks, at position().
  bool run() {
    while (true) {
      const auto in_block = kBlock - position_ % kBlock;
      if (in_block < kHeader) position_ += in_block;
      if (position_ + kHeader > bytes_.size()) return true;  // Cut off: torn.
      const auto next =
          fragment(bytes_.substr(position_, kBlock - position_ % kBlock));
      if (next == 0) return good_;
      position_ += next;
    }
  }

  std::uint64_t last_sequence() const { return last_sequence_; }
  std::uint64_t position() const { return position_; }

 private:
  // Its size; 0 where the log ends (good_) or is damaged.
  std::size_t fragment(std::string_view rest) {
    const auto length = little<std::uint16_t>(rest.data() + 4);
    const auto type = static_cast<unsigned char>(rest[6]);
    const bool recyclable = type >= 5 && type <= 8;
    const auto header = recyclable ? kRecyclableHeader : kHeader;
    if (type == 0 && length == 0) return 0;  // Preallocated, never written.
    if (recyclable && (rest.size() < header ||
                       little<std::uint32_t>(rest.data() + 7) != number_))
      return 0;  // An older log's.
    if (header + length > rest.size()) return damaged();
    const auto checked = rest.substr(6, header - 6 + length);
    if (little<std::uint32_t>(rest.data()) != masked_crc32c(checked))
      return damaged();
    if (type < 1 || type > 8) return header + length;  // Metadata: skipped.
    const auto place = recyclable ? type - 4 : type;
    if (place <= 2) record_.clear();
    if (record_.size() < 12) record_ += rest.substr(header, length);
    if ((place == 1 || place == 4) && record_.size() >= 12)
      last_sequence_ = little<std::uint64_t>(record_.data()) +
                       little<std::uint32_t>(record_.data() + 8) - 1;
    return header + length;
  }
  std::size_t damaged() {
    good_ = false;
    return 0;
  }

  std::string_view bytes_;
  std::uint32_t number_;
  std::size_t position_ = 0;
  std::string record_;
  std::uint64_t last_sequence_ = 0;
  bool good_ = true;
};

using Numbered = std::pair<std::uint64_t, std::filesystem::path>;

Result<std::vector<Numbered>> log_files(const std::filesystem::path& dir) {
  std::vector<Numbered> files;
  std::error_code failed;
  if (!std::filesystem::exists(dir, failed)) return files;
  std::filesystem::directory_iterator it{dir, failed};
  for (; !failed && it != std::filesystem::directory_iterator{};
       it.increment(failed)) {
    const auto name = it->path().filename().string();
    std::uint64_t number = 0;
    const auto [end, bad] =
        std::from_chars(name.data(), name.data() + name.size(), number);
    if (bad == std::errc{} && std::string_view{end} == ".log")
      files.emplace_back(number, it->path());
  }
  if (failed)
    return Error{Errc::io_error,
                 "list " + dir.string() + ": " + failed.message()};
  std::ranges::sort(files);
  return files;
}

}  // namespace

Result<WalReport> check_wal(const std::filesystem::path& dir) {
  auto files = log_files(dir);
  if (!files) return files.error();
  WalReport report;
  for (const auto& [number, path] : *files) {
    const auto bytes = platform::read_file(path, std::uint64_t{4} << 30);
    if (!bytes) return bytes.error();
    LogScan scan{*bytes, static_cast<std::uint32_t>(number)};
    const bool good = scan.run();
    report.last_sequence = std::max(report.last_sequence, scan.last_sequence());
    if (!good) {
      report.damage = WalDamage{path, scan.position()};
      break;
    }
  }
  return report;
}

}  // namespace troupe::storage
