#include "connectors/process/bounded_log.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "platform/file.hpp"

namespace troupe {

namespace {

std::filesystem::path head_path(const std::filesystem::path& path) {
  return path.string() + ".head";
}

std::filesystem::path segment_path(const std::filesystem::path& path,
                                   std::uint64_t offset) {
  return path.string() + ".tail-" + std::to_string(offset);
}

std::optional<std::uint64_t> segment_offset(std::string_view name,
                                            std::string_view log_name) {
  const std::string prefix = std::string{log_name} + ".tail-";
  if (!name.starts_with(prefix)) return {};
  name.remove_prefix(prefix.size());
  std::uint64_t offset = 0;
  const auto end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data(), end, offset);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return {};
  return offset;
}

// Offset to file, in the order of the whole.
std::map<std::uint64_t, std::filesystem::path> find_segments(
    const std::filesystem::path& path) {
  std::map<std::uint64_t, std::filesystem::path> segments;
  std::error_code failed;
  for (const auto& entry :
       std::filesystem::directory_iterator(path.parent_path(), failed))
    if (auto offset = segment_offset(entry.path().filename().string(),
                                     path.filename().string()))
      segments.emplace(*offset, entry.path());
  return segments;
}

}  // namespace

BoundedLog::BoundedLog(std::filesystem::path path, std::uint64_t limit_bytes,
                       platform::Fd head)
    : path_{std::move(path)},
      head_limit_{limit_bytes / 2},
      segment_limit_{limit_bytes / 4},
      file_{std::move(head)} {}

Result<BoundedLog> BoundedLog::create(std::filesystem::path path,
                                      std::uint64_t limit_bytes) {
  TROUPE_ASSERT(limit_bytes >= kMinLogBytes);
  remove_log(path);
  auto head = platform::open_write(head_path(path));
  if (!head) return head.error();
  return BoundedLog{std::move(path), limit_bytes, *std::move(head)};
}

Result<platform::Fd*> BoundedLog::target(std::size_t bytes) {
  const auto limit = in_head_ ? head_limit_ : segment_limit_;
  // A line that alone is over the limit still goes in whole, once.
  if (file_bytes_ == 0 || file_bytes_ + bytes <= limit) return &file_;
  auto next = segment_path(path_, written_);
  auto file = platform::open_write(next);
  if (!file) return file.error();
  in_head_ = false;
  file_ = *std::move(file);
  file_bytes_ = 0;
  segments_.push_back(std::move(next));
  if (segments_.size() > 2) {
    std::error_code ignored;
    std::filesystem::remove(segments_.front(), ignored);
    segments_.pop_front();
  }
  return &file_;
}

Status BoundedLog::append(std::string_view line) {
  if (unwritten_) {
    keep(line);
    return ok();
  }
  std::string text{line};
  text += '\n';
  auto file = target(text.size());
  Status done =
      file ? platform::write_all((*file)->get(), text) : Status{file.error()};
  if (!done) {
    // Of the line that met the end, nothing stays on disk.
    [[maybe_unused]] const auto cut =
        ::ftruncate(file_.get(), static_cast<::off_t>(file_bytes_));
    unwritten_ = {.why = done.error().code == Errc::disk_full
                             ? "the disk is full"
                             : done.error().message};
    keep(line);
    return done;
  }
  written_ += text.size();
  file_bytes_ += text.size();
  return done;
}

void BoundedLog::keep(std::string_view line) {
  ++unwritten_->count;
  unwritten_->newest.emplace_back(line);
  if (unwritten_->newest.size() > kUnwrittenKept)
    unwritten_->newest.pop_front();
}

std::string text_of(const UnwrittenLines& lines) {
  auto text = "[... the log ends here: " + lines.why + "; " +
              std::to_string(lines.count) + " more lines, of which the last " +
              std::to_string(lines.newest.size()) + ": ...]\n";
  for (const auto& line : lines.newest) text += line + "\n";
  return text;
}

Result<std::string> read_log(const std::filesystem::path& path) {
  auto text = platform::read_file(head_path(path));
  if (!text) return text;
  std::uint64_t end = text->size();
  for (const auto& [offset, file] : find_segments(path)) {
    auto segment = platform::read_file(file);
    if (!segment) continue;  // Dropped by the writer just now.
    if (offset > end)
      *text += "[... " + std::to_string(offset - end) +
               " bytes of the log were dropped here ...]\n";
    *text += *segment;
    end = offset + segment->size();
  }
  return text;
}

std::vector<std::string> last_log_lines(const std::filesystem::path& path,
                                        std::size_t count) {
  auto text = read_log(path);
  if (!text) return {};
  std::string_view rest = *text;
  std::vector<std::string> lines;
  while (!rest.empty() && lines.size() < count) {
    if (rest.back() == '\n') rest.remove_suffix(1);
    const auto end = rest.rfind('\n');
    const auto start = end == std::string_view::npos ? 0 : end + 1;
    lines.emplace_back(rest.substr(start));
    rest = rest.substr(0, start);
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

void remove_log(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::remove(head_path(path), ignored);
  for (const auto& [offset, file] : find_segments(path))
    std::filesystem::remove(file, ignored);
}

}  // namespace troupe
