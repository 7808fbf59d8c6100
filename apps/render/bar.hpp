// One line that shows how far a job or a transfer is: bar, count, rate, time
// left. Pure: what to print, not where.
#pragma once

#include <optional>
#include <string>

#include "core/api.hpp"

namespace troupe::render {

struct BarStyle {
  std::size_t columns = 80;  // Of the terminal; the line never wraps.
  bool colour = false;
  bool unicode = true;
};

/// "[=========>      ]" or its Unicode form, `columns` wide; a percent below
/// 0 (unknown) gives an empty bar.
std::string bar(double percent, std::size_t columns, bool unicode);

/// "126/300 frame", "1.2 GiB/14 GiB"; empty where it counts nothing.
std::string done_text(const Progress& progress);

/// "executing  42% ████▏     126/300 frame  30.2/s  ETA 0:06". What is not
/// known is left out. `last_line`: of the job's output, where there is room.
std::string progress_line(JobState state, const Progress& progress,
                          const std::string& last_line, const BarStyle& style);

/// The same for a transfer of bytes.
std::string transfer_line(const std::string& name, std::uint64_t done,
                          std::uint64_t total, double bytes_per_s,
                          const BarStyle& style);

/// Milliseconds left by the average speed so far; nothing before there is
/// one. `elapsed_ms` since the transfer or attempt began.
std::optional<std::int64_t> eta_ms(double percent, std::int64_t elapsed_ms);

}  // namespace troupe::render
