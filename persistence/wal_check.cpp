#include "persistence/wal_check.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>
#include <vector>

#include "persistence/log_fragments.hpp"
#include "platform/file.hpp"

namespace troupe::storage {
namespace {

class LogScan {
 public:
  LogScan(std::string_view bytes, std::uint32_t number)
      : bytes_{bytes}, number_{number} {}

  /// False: a fragment fails its checks, at position().
  bool run() {
    while (true) {
      const auto in_block = kLogBlock - position_ % kLogBlock;
      if (in_block < kFragmentHeader) position_ += in_block;
      if (position_ + kFragmentHeader > bytes_.size())
        return true;  // Cut off: torn.
      const auto next =
          fragment(bytes_.substr(position_, kLogBlock - position_ % kLogBlock));
      if (next == 0) return good_;
      position_ += next;
    }
  }

  std::uint64_t last_sequence() const { return last_sequence_; }
  std::uint64_t position() const { return position_; }

 private:
  // Its size; 0 where the log ends (good_) or is damaged. A record begins
  // with its sequence (8) and the number of its entries (4).
  std::size_t fragment(std::string_view rest) {
    const auto found = read_fragment(rest, number_);
    good_ = found.is != LogFragment::Is::damaged;
    if (found.is != LogFragment::Is::whole) return found.size;
    if (found.begins) record_.clear();
    if (record_.size() < 12) record_ += found.payload;
    if (found.ends && record_.size() >= 12)
      last_sequence_ = little<std::uint64_t>(record_.data()) +
                       little<std::uint32_t>(record_.data() + 8) - 1;
    return found.size;
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
