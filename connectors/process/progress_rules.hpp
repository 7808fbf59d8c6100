// Reads progress from what programs print. Rules are chosen by the job and
// combine: one may give the steps, another the loss.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/live.hpp"
#include "kinds/process_run.hpp"

namespace troupe {

/// One attempt. Pure: the same lines give the same progress. Percent is
/// within 0 and 100 and never goes back; linear in the length of a line.
class ProgressParser {
 public:
  explicit ProgressParser(std::vector<ProgressRule> rules);

  /// What is known after `line`, or nothing when it said nothing new.
  std::optional<Progress> feed(std::string_view line);

  const Progress& progress() const { return progress_; }

 private:
  bool apply(const ProgressRule& rule, std::string_view line);
  bool read_percent(std::string_view line);
  bool read_tqdm(std::string_view line);
  bool read_steps(std::string_view line);
  bool read_ffmpeg(const ProgressRule& rule, std::string_view line);
  bool finish_ffmpeg_block(const ProgressRule& rule);
  void raise_percent(double percent);

  std::vector<ProgressRule> rules_;
  Progress progress_;
  std::optional<double> epoch_;  // As a fraction of all epochs, at its start.
  double epoch_share_ = 1;       // One epoch's share of the whole.
  std::optional<double> ffmpeg_total_s_;
  std::map<std::string, std::string, std::less<>> ffmpeg_;
};

}  // namespace troupe
