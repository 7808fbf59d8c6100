#include "models/text/python_json.hpp"

#include <array>
#include <charconv>
#include <string_view>

namespace troupe {
namespace {

// The shortest digits that read back as the same number; an exponent where
// Python uses one: below 1e-4 and from 1e16 on.
std::string python_float(double value) {
  std::array<char, 32> buffer;
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                    std::chars_format::scientific);
  const std::string text(buffer.data(), written.ptr);
  const auto e = text.find('e');
  if (e == text.npos) return text;  // Not finite: no JSON has it.
  const int exponent = std::stoi(text.substr(e + 1));
  if (exponent < -4 || exponent >= 16) return text;
  const bool negative = text[0] == '-';
  std::string digits;
  for (const char c : text.substr(0, e))
    if (c >= '0' && c <= '9') digits += c;
  const auto count = static_cast<int>(digits.size());
  if (exponent < 0)
    digits = "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') +
             digits;
  else if (count <= exponent + 1)
    digits +=
        std::string(static_cast<std::size_t>(exponent + 1 - count), '0') + ".0";
  else
    digits.insert(static_cast<std::size_t>(exponent + 1), ".");
  return (negative ? "-" : "") + digits;
}

}  // namespace

std::string python_json(const Json& value) {
  std::string text;
  if (value.is_number_float()) return python_float(value.get<double>());
  if (value.is_object()) {
    for (const auto& [name, member] : value.items())
      text += (text.empty() ? "" : ", ") + dump_json(Json(name)) + ": " +
              python_json(member);
    return "{" + text + "}";
  }
  if (value.is_array()) {
    for (const auto& item : value)
      text += (text.empty() ? "" : ", ") + python_json(item);
    return "[" + text + "]";
  }
  return dump_json(value);
}

}  // namespace troupe
