#include "apps/job_watch.hpp"

#include <algorithm>
#include <cmath>

#include "actors/executor.hpp"
#include "apps/render/amounts.hpp"
#include "apps/render/table.hpp"
#include "codec/json.hpp"

namespace troupe {
namespace {

/// The rate of an attempt says little in its first moments.
constexpr std::int64_t kSettledMs = 500;

std::string attempt_text(std::uint32_t attempt) {
  return "attempt " + std::to_string(attempt);
}

/// Of a `quiet` note's data.
std::string silence(const std::string& data) {
  const auto json = parse_json(data);
  const auto ms =
      json && json->is_object() ? json->value("silent_ms", std::int64_t{0}) : 0;
  return "no output for " + render::duration(ms);
}

}  // namespace

std::string note_text(const Note& note) {
  if (note.name == "quiet") return silence(note.data);
  if (note.name == kEngineFullNote)
    return "waits for room in its engine, which other runs of its model fill";
  if (note.name == kEngineRoomNote) return "its engine has room for it now";
  auto text = note.name;
  std::ranges::replace(text, '_', ' ');
  if (!note.data.empty() && note.data != "{}") text += " " + note.data;
  if (!note.by.empty()) text += " by " + note.by;
  return render::printable(text);
}

std::string gap_text(std::uint64_t lost) {
  return "[... up to " + std::to_string(lost) +
         (lost == 1 ? " line" : " lines") + " not shown live; see the log ...]";
}

std::string progress_text(const Progress& progress) {
  std::string text;
  if (progress.percent >= 0) text = render::number(progress.percent) + "%  ";
  text += to_string(progress.phase);
  if (progress.done) text += "  " + render::done_text(progress);
  return text;
}

std::string repeat_text(std::uint32_t attempt, const std::string& why) {
  return attempt_text(attempt) + " is to be repeated as " +
         attempt_text(attempt + 1) + ": " + render::printable(why);
}

std::vector<std::string> JobWatch::apply(const PullReply& batch, UnixMs now,
                                         WatchLines wanted) {
  std::vector<std::string> lines;
  for (const auto& entry : batch.entries) moved(entry.change, wanted, lines);
  for (const auto& event : batch.live) {
    if (event.attempt < live_attempt_) continue;
    if (event.attempt > live_attempt_) begin_attempt(event.attempt, now);
    if (attempt_began_ms_ == 0) attempt_began_ms_ = now;
    if (event.log && !event.log->text.empty()) last_line_ = event.log->text;
    if (!event.progress) continue;
    if (!same_part(progress_, *event.progress)) {
      // The first part began with the attempt.
      if (progress_.done || progress_.percent >= 0) part_began_ms_ = now;
      told_tens_ = 0;
    }
    progress_ = *event.progress;
    if (event.attempt == attempt_) tell_progress(wanted, lines);
  }
  return lines;
}

void JobWatch::begin_attempt(std::uint32_t attempt, UnixMs time_ms) {
  live_attempt_ = attempt;
  attempt_began_ms_ = time_ms;
  part_began_ms_ = 0;
  progress_ = {};
  last_line_.clear();
}

void JobWatch::moved(const Change& change, WatchLines wanted,
                     std::vector<std::string>& lines) {
  if (auto state = state_after(change)) state_ = *state;
  const bool all = wanted == WatchLines::all;
  switch (change.type) {
    case ChangeType::submitted:
      if (all) lines.emplace_back(to_string(state_));
      break;
    case ChangeType::unblocked:
      if (all) lines.emplace_back("queued");
      break;
    case ChangeType::started:
      if (change.attempt > live_attempt_) begin_attempt(change.attempt, 0);
      attempt_ = change.attempt;
      attempt_began_ms_ = change.time_ms;
      told_tens_ = 0;
      if (wanted != WatchLines::repeats)
        lines.push_back("running, " + attempt_text(attempt_) + " on " +
                        (change.start ? change.start->device : "?"));
      if (attempt_ == live_attempt_) tell_progress(wanted, lines);
      break;
    case ChangeType::requeued:
      why_waiting_ = change.requeue ? change.requeue->failure.message : "";
      lines.push_back(repeat_text(change.attempt, why_waiting_));
      break;
    case ChangeType::ended:
      end_ = change.end ? *change.end : JobEnd{};
      break;
    case ChangeType::noted:
      if (all && change.note &&
          (tells_silence_ || change.note->name != "quiet"))
        lines.push_back(note_text(*change.note));
      break;
    default:
      break;
  }
}

void JobWatch::tell_progress(WatchLines wanted,
                             std::vector<std::string>& lines) {
  const auto tens = static_cast<int>(std::floor(progress_.percent / 10));
  if (tens <= told_tens_) return;
  told_tens_ = tens;
  if (wanted != WatchLines::all) return;
  auto text = std::to_string(tens * 10) + "%";
  if (progress_.phase == Phase::loading) text = "loading " + text;
  if (progress_.unit == kPromptUnit) text = "prompt " + text;
  lines.push_back(std::move(text));
}

/// Rate and time left by our own clock where the job does not tell them.
Progress JobWatch::filled(UnixMs now) const {
  auto progress = progress_;
  const auto elapsed = now - std::max(attempt_began_ms_, part_began_ms_);
  if (state_ != JobState::running || attempt_began_ms_ == 0 ||
      elapsed < kSettledMs)
    return progress;
  if (!progress.rate_per_s && progress.done && *progress.done > 0)
    progress.rate_per_s = static_cast<double>(*progress.done) * 1e3 /
                          static_cast<double>(elapsed);
  if (!progress.eta_ms)
    progress.eta_ms = render::eta_ms(progress.percent, elapsed);
  return progress;
}

std::string JobWatch::line(const render::BarStyle& style, UnixMs now) const {
  auto progress = filled(now);
  if (state_ == JobState::succeeded) progress.percent = 100;
  const auto& words = state_ == JobState::queued ? why_waiting_ : last_line_;
  return render::progress_line(state_, progress, words, style);
}

std::string end_text(const JobView& job) {
  auto text = to_string(job.spec.id) + " " + std::string(to_string(job.state));
  if (job.started_ms && job.ended_ms)
    text += " in " + render::duration(*job.ended_ms - *job.started_ms);
  if (job.attempt > 1) text += ", " + attempt_text(job.attempt);
  text += "\n";
  if (job.state == JobState::expired && job.spec.deadline_ms)
    text += "  its deadline, " + render::local_time(*job.spec.deadline_ms) +
            ", has passed\n";
  if (job.failure && job.state != JobState::succeeded) {
    text += "  " + std::string(to_string(job.failure->klass)) + " (" +
            job.failure->reason +
            "): " + render::printable(job.failure->message) + "\n";
    for (const auto& line : job.failure->last_lines)
      text += "  | " + render::printable(line) + "\n";
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& file : job.artifacts)
    rows.push_back({"  " + render::printable(file.name),
                    render::bytes(file.bytes), file.sha256});
  return text + render::table(rows);
}

}  // namespace troupe
