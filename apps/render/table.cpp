#include "apps/render/table.hpp"

#include <algorithm>
#include <cstdint>

namespace troupe::render {
namespace {

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

}  // namespace

std::size_t width(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {  // Only colours are written here: ESC [ … m.
      while (i < text.size() && text[i] != 'm') ++i;
      continue;
    }
    columns += is_continuation(text[i]) ? 0 : 1;
  }
  return columns;
}

std::string cut(std::string_view text, std::size_t columns) {
  if (width(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  std::size_t shown = 0;
  std::size_t end = 0;
  while (end < text.size() && shown + 1 < columns) {
    ++end;
    while (end < text.size() && is_continuation(text[end])) ++end;
    ++shown;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string table(const std::vector<std::vector<std::string>>& rows,
                  std::size_t total_columns) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], width(row[i]));
    }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i + 1 < row.size()) {
        line += row[i] + std::string(widths[i] - width(row[i]) + 2, ' ');
        continue;
      }
      const auto used = width(line);
      line +=
          total_columns > used + 8 ? cut(row[i], total_columns - used) : row[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\t')
      out += ' ';
    else if (byte < 0x20 || byte == 0x7f)
      out += "\xe2\x90" + std::string(1, byte == 0x7f
                                             ? '\xa1'
                                             : static_cast<char>(0x80 + byte));
    else
      out += c;
  }
  return out;
}

}  // namespace troupe::render
