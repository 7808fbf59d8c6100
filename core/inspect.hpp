// How enums pass through an inspector. Every type that leaves the process has
// one `inspect`, written against CAF's inspector shape but without its header:
// f.object(x).fields(f.field("name", x.name), ...). codec/ runs the same
// functions for msgpack (maps by field name) and JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace troupe {

/// Enums start at 1 so that a zeroed buffer is never a valid message. People
/// read the name, records and frames carry the number.
/// REQUIRES: to_string(Enum) names every value in [1, last].
template <class Inspector, class Enum>
bool inspect_enum(Inspector& f, Enum& x, Enum last) {
  using Int = std::underlying_type_t<Enum>;
  // A reader for people names the nearest of what is known.
  if constexpr (requires { f.named(x, last); }) return f.named(x, last);
  if (f.has_human_readable_format()) {
    auto get = [&x] { return std::string(to_string(x)); };
    auto set = [&x, last](const std::string& name) {
      for (Int v = 1; v <= static_cast<Int>(last); ++v)
        if (to_string(static_cast<Enum>(v)) == name) {
          x = static_cast<Enum>(v);
          return true;
        }
      return false;
    };
    return f.apply(get, set);
  }
  auto get = [&x] { return static_cast<Int>(x); };
  auto set = [&x, last](Int v) {
    if (v == 0 || v > static_cast<Int>(last)) return false;
    x = static_cast<Enum>(v);
    return true;
  };
  return f.apply(get, set);
}

}  // namespace troupe
