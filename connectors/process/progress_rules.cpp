#include "connectors/process/progress_rules.hpp"

#include <algorithm>
#include <cmath>

#include "connectors/process/scan.hpp"

namespace troupe {

namespace {

// The number before the last '%' of the line.
std::optional<double> percent_in(std::string_view line) {
  for (auto sign = line.rfind('%'); sign != std::string_view::npos && sign > 0;
       sign = line.rfind('%', sign - 1)) {
    auto end = sign;
    while (end > 0 && line[end - 1] == ' ') --end;
    auto start = end;
    while (start > 0 && (is_digit(line[start - 1]) || line[start - 1] == '.'))
      --start;
    auto text = line.substr(start, end - start);
    const bool negative = start > 0 && line[start - 1] == '-';
    if (const auto value = take_number(text); value && !negative) return value;
  }
  return {};
}

bool set_counts(Progress& progress, std::int64_t done, std::int64_t total) {
  if (total <= 0 || done < 0) return false;
  progress.done = std::min(done, total);
  progress.total = total;
  return true;
}

// After the word, through ":", "[" and the like, "a/b" or "a of b".
std::optional<std::pair<std::int64_t, std::int64_t>> fraction_after(
    std::string_view line, std::string_view word) {
  for (std::size_t at = 0;
       (at = find_word(line, word, at)) != std::string_view::npos; ++at) {
    auto rest = line.substr(at + word.size());
    take(rest, "s");
    while (!rest.empty() && std::string_view{" :=[(#\t"}.find(rest.front()) !=
                                std::string_view::npos)
      rest.remove_prefix(1);
    if (auto fraction = take_fraction(rest)) return fraction;
    const auto a = take_integer(rest);
    skip_spaces(rest);
    if (!a || !take(rest, "of")) continue;
    skip_spaces(rest);
    if (const auto b = take_integer(rest)) return std::pair{*a, *b};
  }
  return {};
}

std::optional<std::pair<std::int64_t, std::int64_t>> bracketed_fraction(
    std::string_view line) {
  for (auto at = line.find('['); at != std::string_view::npos;
       at = line.find('[', at + 1)) {
    auto rest = line.substr(at + 1);
    skip_spaces(rest);
    auto fraction = take_fraction(rest);
    skip_spaces(rest);
    if (fraction && take(rest, "]")) return fraction;
  }
  return {};
}

}  // namespace

ProgressParser::ProgressParser(std::vector<ProgressRule> rules)
    : rules_{std::move(rules)} {}

std::optional<Progress> ProgressParser::feed(std::string_view line) {
  bool changed = false;
  for (const auto& rule : rules_) changed = apply(rule, line) || changed;
  if (!changed) return {};
  return progress_;
}

bool ProgressParser::apply(const ProgressRule& rule, std::string_view line) {
  switch (rule.type) {
    case ProgressRuleType::percent:
      return read_percent(line);
    case ProgressRuleType::tqdm:
      return read_tqdm(line);
    case ProgressRuleType::steps:
      return read_steps(line);
    case ProgressRuleType::loss: {
      const auto value = named_number(line, "loss");
      if (value) progress_.loss = value;
      return value.has_value();
    }
    case ProgressRuleType::learning_rate: {
      std::optional<double> value;
      for (const auto* name : {"lr", "learning_rate", "learning rate"})
        if (const auto found = named_number(line, name)) value = found;
      if (value) progress_.learning_rate = value;
      return value.has_value();
    }
    case ProgressRuleType::eta: {
      const auto at = find_word(line, "eta");
      if (at == std::string_view::npos) return false;
      auto rest = line.substr(at + 3);
      while (!rest.empty() && (rest.front() == ':' || rest.front() == '=' ||
                               rest.front() == ' '))
        rest.remove_prefix(1);
      const auto value = take_duration_ms(rest);
      if (value) progress_.eta_ms = value;
      return value.has_value();
    }
    case ProgressRuleType::ffmpeg:
      return read_ffmpeg(rule, line);
  }
  return false;
}

bool ProgressParser::read_percent(std::string_view line) {
  const auto value = percent_in(line);
  if (value) raise_percent(*value);
  return value.has_value();
}

// "desc:  42%|####  | 42/100 [00:10<00:14,  4.20it/s, loss=0.1]"
bool ProgressParser::read_tqdm(std::string_view line) {
  const auto bar = line.find("%|");
  if (bar == std::string_view::npos) return false;
  const auto percent = percent_in(line.substr(0, bar + 1));
  const auto end = line.find('|', bar + 2);
  if (!percent || end == std::string_view::npos) return false;
  auto rest = line.substr(end + 1);
  skip_spaces(rest);
  const auto counts = take_fraction(rest);
  // The bar's own counts are finer than its rounded percent.
  if (counts && set_counts(progress_, counts->first, counts->second))
    raise_percent(100.0 * static_cast<double>(counts->first) /
                  static_cast<double>(counts->second));
  else
    raise_percent(*percent);
  const auto left = rest.find('<');
  if (left == std::string_view::npos) return true;
  rest.remove_prefix(left + 1);
  if (const auto eta = take_duration_ms(rest)) progress_.eta_ms = eta;
  if (!take(rest, ",")) return true;
  skip_spaces(rest);
  const auto rate = take_number(rest);
  if (!rate) return true;
  if (take(rest, "s/"))
    progress_.rate_per_s = *rate > 0 ? 1 / *rate : 0;
  else
    progress_.rate_per_s = rate;
  const auto unit = rest.substr(0, rest.find_first_of("/],"));
  progress_.unit = std::string{unit.substr(0, 16)};
  return true;
}

bool ProgressParser::read_steps(std::string_view line) {
  bool changed = false;
  if (const auto epoch = fraction_after(line, "epoch");
      epoch && epoch->second > 0) {
    const auto [number, all] = *epoch;
    epoch_share_ = 1.0 / static_cast<double>(all);
    // "epoch 1/10" is said when the first begins, so it has done nothing yet.
    epoch_ = static_cast<double>(std::clamp<std::int64_t>(number - 1, 0, all)) *
             epoch_share_;
    raise_percent(100 * *epoch_);
    changed = true;
  }
  std::optional<std::pair<std::int64_t, std::int64_t>> step;
  for (const auto* word : {"step", "iteration", "iter", "batch", "frame"})
    if (!step) step = fraction_after(line, word);
  if (!step && !changed) step = bracketed_fraction(line);
  if (!step || !set_counts(progress_, step->first, step->second))
    return changed;
  progress_.unit = "step";
  const double part =
      static_cast<double>(step->first) / static_cast<double>(step->second);
  raise_percent(100 * (epoch_.value_or(0) + part * epoch_share_));
  return true;
}

bool ProgressParser::read_ffmpeg(const ProgressRule& rule,
                                 std::string_view line) {
  // ffmpeg itself says how long its input is, unless the job knows better.
  if (const auto at = line.find("Duration: ");
      at != std::string_view::npos && !ffmpeg_total_s_) {
    auto rest = line.substr(at + 10);
    if (const auto total = take_duration_ms(rest); total && *total > 0)
      ffmpeg_total_s_ = static_cast<double>(*total) / 1000;
    return false;
  }
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return false;
  const auto key = line.substr(0, equals);
  auto value = line.substr(equals + 1);
  skip_spaces(value);
  constexpr std::string_view kKeys[] = {
      "frame",       "fps",      "speed",   "out_time_us",
      "out_time_ms", "out_time", "progress"};
  if (std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys))
    return false;
  ffmpeg_.insert_or_assign(std::string{key}, std::string{value});
  return key == "progress" && finish_ffmpeg_block(rule);
}

bool ProgressParser::finish_ffmpeg_block(const ProgressRule& rule) {
  const auto number = [this](const char* key) -> std::optional<double> {
    const auto it = ffmpeg_.find(key);
    if (it == ffmpeg_.end()) return {};
    std::string_view text = it->second;
    return take_number(text);
  };
  if (const auto frame = number("frame"); frame && *frame >= 0) {
    progress_.done = static_cast<std::int64_t>(std::min(*frame, 1e15));
    progress_.unit = "frame";
  }
  if (const auto fps = number("fps")) progress_.rate_per_s = fps;
  // Both are microseconds; out_time_ms has carried its name by mistake since
  // ffmpeg 0.9.
  auto us = number("out_time_us");
  if (!us) us = number("out_time_ms");
  const auto total = rule.duration_s ? rule.duration_s : ffmpeg_total_s_;
  if (us && total && *total > 0) {
    const double done_s = *us / 1e6;
    raise_percent(100 * done_s / *total);
    if (const auto speed = number("speed"); speed && *speed > 0)
      progress_.eta_ms = static_cast<std::int64_t>(
          std::clamp((*total - done_s) / *speed, 0.0, 1e9) * 1000);
  }
  if (ffmpeg_["progress"] == "end") {
    raise_percent(100);
    progress_.eta_ms = 0;
  }
  ffmpeg_.clear();
  return true;
}

void ProgressParser::raise_percent(double percent) {
  if (!std::isfinite(percent)) return;
  progress_.percent =
      std::max(progress_.percent, std::clamp(percent, 0.0, 100.0));
}

}  // namespace troupe
