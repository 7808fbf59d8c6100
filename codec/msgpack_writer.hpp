// The inspector that writes msgpack: maps by field name, in the order of the
// type's `inspect`, straight into a string. It cannot fail.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/boxed.hpp"
#include "core/id.hpp"

namespace troupe {

/// Absent optionals, empty strings, vectors and maps are left out of objects;
/// numbers and bools are always written. A JobId is 16 bytes, big-endian.
class MsgpackWriter {
 public:
  static constexpr bool is_loading = false;

  /// Appends to `out`, which outlives this.
  explicit MsgpackWriter(std::string& out) : out_{out} {}

  static constexpr bool has_human_readable_format() { return false; }

  template <class T>
  struct Field {
    std::string_view name;
    T& value;
  };

  class Object {
   public:
    explicit Object(MsgpackWriter& writer) : writer_{writer} {}
    Object& pretty_name(std::string_view) { return *this; }

    template <class... T>
    bool fields(Field<T>... fields) {
      const unsigned written = (0u + ... + (is_absent(fields.value) ? 0u : 1u));
      writer_.map_header(written);
      return (writer_.field_value(fields) && ...);
    }

   private:
    MsgpackWriter& writer_;
  };

  template <class T>
  Object object(T&) {
    return Object{*this};
  }
  template <class T>
  static Field<T> field(std::string_view name, T& value) {
    return {name, value};
  }
  template <class T>
  bool apply(T& x) {
    return value(x);
  }
  template <class Get, class Set>
  bool apply(Get&& get, Set&&) {
    auto x = get();
    return value(x);
  }

  template <class T>
  bool value(T& x) {
    if constexpr (std::is_same_v<T, bool>) {
      boolean(x);
    } else if constexpr (std::is_floating_point_v<T>) {
      real(static_cast<double>(x));
    } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
      integer(x);
    } else if constexpr (std::is_integral_v<T>) {
      natural(x);
    } else {
      return inspect(*this, x);
    }
    return true;
  }
  bool value(std::string& x) {
    text(x);
    return true;
  }
  bool value(JobId& x);
  template <class T>
  bool value(std::optional<T>& x) {
    if (x) return value(*x);
    nil();
    return true;
  }
  template <class T>
  bool value(Boxed<T>& x) {
    if (x) return value(*x);
    nil();
    return true;
  }
  template <class T>
  bool value(std::vector<T>& xs) {
    array_header(xs.size());
    for (auto& x : xs)
      if (!value(x)) return false;
    return true;
  }
  template <class T>
  bool value(std::map<std::string, T>& xs) {
    map_header(xs.size());
    for (auto& [name, x] : xs) {
      text(name);
      if (!value(x)) return false;
    }
    return true;
  }

  // The parts of the format, for records without an `inspect`.
  void nil();
  void boolean(bool x);
  void natural(std::uint64_t x);
  void integer(std::int64_t x);
  void real(double x);
  void text(std::string_view x);
  void binary(std::string_view x);
  void array_header(std::size_t items);
  void map_header(std::size_t pairs);

 private:
  template <class T>
  static bool is_absent(const T&) {
    return false;
  }
  static bool is_absent(const std::string& x) { return x.empty(); }
  template <class T>
  static bool is_absent(const std::optional<T>& x) {
    return !x.has_value();
  }
  template <class T>
  static bool is_absent(const Boxed<T>& x) {
    return !x.has_value();
  }
  template <class T>
  static bool is_absent(const std::vector<T>& x) {
    return x.empty();
  }
  template <class T>
  static bool is_absent(const std::map<std::string, T>& x) {
    return x.empty();
  }

  template <class T>
  bool field_value(Field<T>& field) {
    if (is_absent(field.value)) return true;
    text(field.name);
    return value(field.value);
  }

  std::string& out_;
};

}  // namespace troupe
