#include "config/edit.hpp"

#include <toml++/toml.h>
#include <algorithm>
#include <charconv>
#include <optional>

#include "config/load.hpp"
#include "config/option_table.hpp"

namespace troupe {
namespace {

using std::string_view;

/// Offset of a place that toml++ counts in lines and columns, both from 1.
std::optional<std::size_t> offset(string_view text, toml::source_position at) {
  std::size_t start = 0;
  for (toml::source_index line = 1; line < at.line; ++line) {
    start = text.find('\n', start);
    if (start == text.npos) return std::nullopt;
    ++start;
  }
  start += at.column - 1;
  return start <= text.size() ? std::optional{start} : std::nullopt;
}

std::string quoted(string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// As it stands in the file: a number, or a text in quotes.
std::string written(const OptionRow& row, string_view value) {
  std::int64_t number = 0;
  const auto* end = value.data() + value.size();
  const auto read = std::from_chars(value.data(), end, number);
  if (row.unit != OptionUnit::text && read.ec == std::errc{} && read.ptr == end)
    return std::string(value);
  return quoted(value);
}

std::string replaced(string_view text, const toml::node& node,
                     const std::string& value) {
  const auto from = offset(text, node.source().begin);
  const auto to = offset(text, node.source().end);
  if (!from || !to || *to < *from) return std::string(text);
  return std::string(text.substr(0, *from)) + value +
         std::string(text.substr(*to));
}

/// The line behind the section's head, else a new section at the end.
std::string added(string_view text, const toml::table* section,
                  string_view name, const std::string& value) {
  const auto dot = name.find('.');
  const auto line = std::string(name.substr(dot + 1)) + " = " + value + "\n";
  std::string out(text);
  if (!out.empty() && out.back() != '\n') out += '\n';
  const auto head = section ? offset(out, section->source().begin)
                            : std::optional<std::size_t>{};
  if (head && out.compare(*head, 1, "[") == 0) {
    const auto next = std::min(out.find('\n', *head), out.size() - 1) + 1;
    return out.insert(next, line);
  }
  if (!out.empty()) out += '\n';
  return out + '[' + std::string(name.substr(0, dot)) + "]\n" + line;
}

/// Whether the change did what it should and nothing else.
bool is_as_meant(const LoadedConfig& before, const LoadedConfig& after,
                 const Config& meant) {
  return std::ranges::all_of(option_table(), [&](const OptionRow& row) {
    const bool was_there = before.origins.contains(row.name);
    return option_text(row, after.config) == option_text(row, meant) &&
           (!was_there || after.origins.contains(row.name));
  });
}

}  // namespace

Result<std::string> with_option(string_view text, const std::string& file,
                                string_view name, string_view value) {
  auto before = parse_config(text, file);
  if (!before) return before.error();
  auto meant = before->config;
  if (auto set = set_option(meant, name, value); !set) return set.error();
  const auto& row = *find_option(name);
  const auto in_file = written(row, value);
  const auto table = toml::parse(text, file);  // It parsed before.
  const auto dot = name.find('.');
  const auto* section = table.get_as<toml::table>(name.substr(0, dot));
  const auto* node = section ? section->get(name.substr(dot + 1)) : nullptr;
  auto out = node ? replaced(text, *node, in_file)
                  : added(text, section, name, in_file);
  auto after = parse_config(out, file);
  if (!after && !check_config(meant).empty()) return after.error();
  if (!after || !is_as_meant(*before, *after, meant))
    return Error{Errc::unsupported,
                 "cannot change " + std::string(name) + " in " + file +
                     " as that is written; write it there by hand, below [" +
                     std::string(name.substr(0, dot)) + "]: " +
                     std::string(name.substr(dot + 1)) + " = " + in_file};
  return out;
}

}  // namespace troupe
