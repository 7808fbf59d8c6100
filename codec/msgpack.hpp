// msgpack from the one `inspect` a type has: maps by field name, unknown
// fields skipped, missing ones left at their defaults. Refuses what is cut
// off, nested too deep or of another type, with the field's path.
#pragma once

#include <string>
#include <string_view>

#include "codec/msgpack_reader.hpp"
#include "codec/msgpack_writer.hpp"
#include "core/result.hpp"

namespace troupe {

/// Appends `x` to `out`. Absent optionals, empty strings and empty vectors are
/// left out: a reader defaults them (so no field may default to a non-empty
/// one). Numbers are always written.
template <class T>
void append_msgpack(std::string& out, const T& x) {
  MsgpackWriter writer{out};
  writer.value(const_cast<T&>(x));  // inspect() is one function for both ways.
}

template <class T>
std::string to_msgpack(const T& x) {
  std::string out;
  append_msgpack(out, x);
  return out;
}

/// Errors: corrupt; too_large.
template <class T>
Result<T> from_msgpack(std::string_view bytes) {
  T x{};
  MsgpackReader reader{bytes};
  if (!reader.value(x)) return reader.error();
  return x;
}

}  // namespace troupe
