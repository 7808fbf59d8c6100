// Untrusted msgpack bytes, checked and laid out flat, so that a reader can
// walk them without further checks. Never holds more tokens than bytes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace troupe {

/// Containers inside each other, at most.
inline constexpr std::uint32_t kMaxMsgpackDepth = 32;
/// Of one value with all that is in it.
inline constexpr std::size_t kMaxMsgpackBytes = 256u << 20;

struct MsgpackToken {
  enum class Type : std::uint8_t {
    nil = 1,
    boolean,
    natural,  // >= 0
    integer,  // < 0
    real,
    text,
    binary,
    extension,
    array,  // `size` values follow.
    map,    // `size` pairs follow: key, value.
  };
  Type type = Type::nil;
  std::uint32_t size = 0;
  std::uint32_t next = 0;  // The token behind this value and all in it.
  union {
    std::uint64_t natural = 0;
    std::int64_t integer;
    double real;
    const char* bytes;  // Into what was parsed.
  };

  std::string_view view() const { return {bytes, size}; }
};

/// Exactly one value, which fills `bytes`; tokens point into `bytes`.
/// Errors: corrupt (cut off, no msgpack, bytes behind the value, nested too
/// deep), too_large.
Result<std::vector<MsgpackToken>> parse_msgpack(std::string_view bytes);

}  // namespace troupe
