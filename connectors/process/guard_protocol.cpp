#include "connectors/process/guard_protocol.hpp"

#include <array>
#include <charconv>

namespace troupe::guard {

namespace {

constexpr std::array<std::string_view, 5> kNames{"started", "failed", "exited",
                                                 "signaled", "done"};

}  // namespace

std::string to_line(const Report& report) {
  std::string line{kNames[static_cast<std::size_t>(report.type)]};
  for (const auto value : {report.a, report.b, report.c})
    line += ' ' + std::to_string(value);
  return line + '\n';
}

std::optional<Report> parse_report(std::string_view line) {
  Report report;
  const auto name = line.substr(0, line.find(' '));
  std::size_t type = 0;
  while (type < kNames.size() && kNames[type] != name) ++type;
  if (type == kNames.size()) return {};
  report.type = static_cast<ReportType>(type);
  line.remove_prefix(name.size());
  for (auto* value : {&report.a, &report.b, &report.c}) {
    if (line.empty() || line.front() != ' ') return {};
    line.remove_prefix(1);
    const auto [end, error] =
        std::from_chars(line.data(), line.data() + line.size(), *value);
    if (error != std::errc{}) return {};
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  }
  if (!line.empty()) return {};
  return report;
}

}  // namespace troupe::guard
