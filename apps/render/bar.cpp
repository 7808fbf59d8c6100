#include "apps/render/bar.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "apps/render/amounts.hpp"
#include "apps/render/table.hpp"

namespace troupe::render {
namespace {

constexpr std::size_t kMaxBar = 30;
constexpr std::size_t kMinBar = 8;

std::string percent_text(double percent) {
  if (percent < 0) return "  -%";
  // 100 % only when it is done.
  auto whole = static_cast<int>(std::floor(std::min(percent, 100.0) + 1e-9));
  auto text = std::to_string(whole) + "%";
  return std::string(4 - std::min<std::size_t>(4, text.size()), ' ') + text;
}

std::string join(const std::string& head, double percent,
                 const std::string& tail, const BarStyle& style) {
  const auto fixed = width(head) + 1 + 4 + 1 + 1 + width(tail);
  const auto room = style.columns > fixed + 1 ? style.columns - fixed - 1 : 0;
  const auto columns = std::clamp(room, kMinBar, kMaxBar);
  auto text = head + " " + percent_text(percent) + " " +
              bar(percent, columns, style.unicode) + " " + tail;
  text.erase(text.find_last_not_of(' ') + 1);
  // One column is left free: terminals differ in what the last one does.
  return cut(text, std::max<std::size_t>(style.columns, 2) - 1);
}

// Losses and learning rates: "0.123", "9.9e-07".
std::string small(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string counts(const Progress& p) {
  std::string text;
  if (p.done) text += done_text(p) + "  ";
  if (p.rate_per_s)
    text +=
        (p.unit == kBytesUnit ? bytes(static_cast<std::uint64_t>(*p.rate_per_s))
                              : number(*p.rate_per_s)) +
        "/s  ";
  if (p.eta_ms) text += "ETA " + clock(*p.eta_ms) + "  ";
  if (p.loss) text += "loss " + small(*p.loss) + "  ";
  if (p.learning_rate) text += "lr " + small(*p.learning_rate) + "  ";
  return text;
}

}  // namespace

std::string bar(double percent, std::size_t columns, bool unicode) {
  const auto share = std::clamp(percent, 0.0, 100.0) / 100;
  if (!unicode) {
    const auto inner = columns < 3 ? std::size_t{1} : columns - 2;
    auto full = static_cast<std::size_t>(share * static_cast<double>(inner));
    std::string text(full, '=');
    if (full < inner && percent > 0) text += '>';
    return "[" + text + std::string(inner - text.size(), ' ') + "]";
  }
  static constexpr std::array<const char*, 8> kEighths{"",  "▏", "▎", "▍",
                                                       "▌", "▋", "▊", "▉"};
  const auto eighths =
      static_cast<std::size_t>(share * static_cast<double>(columns) * 8);
  std::string text;
  for (std::size_t i = 0; i < eighths / 8; ++i) text += "█";
  text += kEighths[eighths % 8];
  while (width(text) < columns) text += "░";
  return text;
}

std::string done_text(const Progress& p) {
  if (!p.done) return {};
  if (p.unit == kBytesUnit) {
    const auto amount = [](std::int64_t count) {
      return bytes(static_cast<std::uint64_t>(count));
    };
    return amount(*p.done) + (p.total ? "/" + amount(*p.total) : "");
  }
  auto text = std::to_string(*p.done);
  if (p.total) text += "/" + std::to_string(*p.total);
  if (!p.unit.empty()) text += " " + printable(p.unit);
  return text;
}

std::string progress_line(JobState state, const Progress& progress,
                          const std::string& last_line, const BarStyle& style) {
  std::string head(state == JobState::running ? to_string(progress.phase)
                                              : to_string(state));
  head.resize(std::max<std::size_t>(head.size(), 9), ' ');
  auto tail = counts(progress);
  const auto used = width(head) + width(tail) + 7 + kMaxBar;
  if (!last_line.empty() && style.columns > used + 12)
    tail += cut(printable(last_line), style.columns - used - 2);
  return join(head, progress.percent, tail, style);
}

std::string transfer_line(const std::string& name, std::uint64_t done,
                          std::uint64_t total, double bytes_per_s,
                          const BarStyle& style) {
  const double percent =
      total == 0 ? 100
                 : 100 * static_cast<double>(done) / static_cast<double>(total);
  auto tail = bytes(done) + "/" + bytes(total);
  if (bytes_per_s > 0) {
    tail += "  " + bytes(static_cast<std::uint64_t>(bytes_per_s)) + "/s";
    const auto left = static_cast<double>(total - std::min(done, total));
    tail +=
        "  ETA " + clock(static_cast<std::int64_t>(left / bytes_per_s * 1'000));
  }
  return join(cut(printable(name), 24), percent, tail, style);
}

std::optional<std::int64_t> eta_ms(double percent, std::int64_t elapsed_ms) {
  if (percent <= 0 || elapsed_ms <= 0) return {};
  const auto share = std::min(percent, 100.0) / 100;
  return static_cast<std::int64_t>(static_cast<double>(elapsed_ms) *
                                   (1 - share) / share);
}

}  // namespace troupe::render
