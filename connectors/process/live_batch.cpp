#include "connectors/process/live_batch.hpp"

#include "connectors/process/utf8.hpp"

namespace troupe {

void LiveBatch::add_line(std::string_view stream, std::string_view text,
                         UnixMs now) {
  std::string shown{cut_utf8(text, kMaxLiveLineBytes)};
  if (shown.size() < text.size()) shown += " [cut: see the log]";
  line_bytes_ += shown.size();
  auto line = event(now, LiveType::log);
  line.log = LogLine{.stream = std::string{stream}, .text = std::move(shown)};
  lines_.push_back(std::move(line));
  while (lines_.size() > kMaxLiveLines || line_bytes_ > kMaxLiveBytes) {
    line_bytes_ -= lines_.front().log->text.size();
    lines_.pop_front();
    ++dropped_;
  }
}

void LiveBatch::set_progress(const Progress& progress) {
  const auto phase = progress_.phase;
  progress_ = progress;
  progress_.phase = phase;
  progress_changed_ = true;
}

void LiveBatch::set_phase(Phase phase) {
  progress_.phase = phase;
  progress_changed_ = true;
}

std::vector<LiveEvent> LiveBatch::take(UnixMs now) {
  std::vector<LiveEvent> events;
  if (dropped_ > 0) {
    auto note = event(now, LiveType::log);
    note.log = LogLine{.stream = "node",
                       .text = "[... " + std::to_string(dropped_) +
                               " lines not shown live; see the log ...]"};
    events.push_back(std::move(note));
  }
  for (auto& line : lines_) events.push_back(std::move(line));
  if (progress_changed_) {
    auto progress = event(now, LiveType::progress);
    progress.progress = progress_;
    events.push_back(std::move(progress));
  }
  lines_.clear();
  line_bytes_ = 0;
  dropped_ = 0;
  progress_changed_ = false;
  return events;
}

LiveEvent LiveBatch::event(UnixMs time, LiveType type) const {
  LiveEvent event;
  event.job = job_;
  event.attempt = attempt_;
  event.time_ms = time;
  event.type = type;
  return event;
}

}  // namespace troupe
