// Columns of text for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace troupe::render {

/// Columns a terminal shows the text in: code points, without escapes for
/// colour. (Wide characters count one.)
std::size_t width(std::string_view text);

/// Cut to `columns`, with "…" where something is missing.
std::string cut(std::string_view text, std::size_t columns);

/// Left-aligned columns, two spaces apart, no space at line ends. The last
/// column is cut to what `total_columns` leaves of it; 0: not at all.
std::string table(const std::vector<std::vector<std::string>>& rows,
                  std::size_t total_columns = 0);

/// Control characters become visible, so that a job's words cannot move the
/// cursor or write the terminal's title.
std::string printable(std::string_view text);

}  // namespace troupe::render
