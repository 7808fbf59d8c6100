// The inspector that reads msgpack: fields by name in any order, unknown ones
// skipped, missing ones left as they are. Refuses values of another type or
// out of range, and says at which field.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "codec/msgpack_tape.hpp"
#include "core/boxed.hpp"
#include "core/id.hpp"

namespace troupe {

class MsgpackReader {
 public:
  static constexpr bool is_loading = true;

  /// `bytes` outlives this. One value per reader.
  explicit MsgpackReader(std::string_view bytes);

  static constexpr bool has_human_readable_format() { return false; }

  template <class T>
  struct Field {
    std::string_view name;
    T& value;
  };

  class Object {
   public:
    explicit Object(MsgpackReader& reader) : reader_{reader} {}
    Object& pretty_name(std::string_view) { return *this; }

    template <class... T>
    bool fields(Field<T>... fields) {
      const std::array<Slot, sizeof...(T)> slots{
          Slot{fields.name, &fields.value, &read_slot<T>}...};
      return reader_.read_fields(slots.data(), slots.size());
    }

   private:
    MsgpackReader& reader_;
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
  bool apply(Get&& get, Set&& set) {
    std::decay_t<decltype(get())> x{};
    if (!value(x)) return false;
    return set(std::move(x)) || fail("a value this build does not know");
  }

  template <class T>
  bool value(T& x) {
    if constexpr (std::is_same_v<T, bool>) {
      return read_boolean(x);
    } else if constexpr (std::is_floating_point_v<T>) {
      double y = 0;
      if (!read_real(y)) return false;
      x = static_cast<T>(y);
      return true;
    } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
      std::int64_t y = 0;
      if (!read_integer(y, std::numeric_limits<T>::min(),
                        std::numeric_limits<T>::max()))
        return false;
      x = static_cast<T>(y);
      return true;
    } else if constexpr (std::is_integral_v<T>) {
      std::uint64_t y = 0;
      if (!read_natural(y, std::numeric_limits<T>::max())) return false;
      x = static_cast<T>(y);
      return true;
    } else {
      return inspect(*this, x);
    }
  }
  bool value(std::string& x);
  bool value(JobId& x);
  template <class T>
  bool value(std::optional<T>& x) {
    if (take_nil()) {
      x.reset();
      return true;
    }
    return value(x.emplace());
  }
  template <class T>
  bool value(Boxed<T>& x) {
    if (take_nil()) {
      x.reset();
      return true;
    }
    return value(x.emplace());
  }
  template <class T>
  bool value(std::vector<T>& xs) {
    std::uint32_t size = 0;
    if (!open(MsgpackToken::Type::array, size)) return false;
    xs.clear();
    xs.reserve(size);
    for (std::uint32_t i = 0; i < size; ++i)
      if (!value(xs.emplace_back())) return at_item(i);
    return true;
  }
  template <class T>
  bool value(std::map<std::string, T>& xs) {
    std::uint32_t size = 0;
    if (!open(MsgpackToken::Type::map, size)) return false;
    xs.clear();
    for (std::uint32_t i = 0; i < size; ++i) {
      std::string name;
      if (!value(name)) return at_item(i);
      if (!value(xs[name])) return at_field(name);
    }
    return true;
  }

  /// Of the first failure; "spec.tags[2]: text is expected".
  Error error() const;

 private:
  struct Slot {
    std::string_view name;
    void* value;
    bool (*read)(MsgpackReader&, void*);
  };
  template <class T>
  static bool read_slot(MsgpackReader& reader, void* value) {
    return reader.value(*static_cast<T*>(value));
  }

  bool read_fields(const Slot* slots, std::size_t count);
  bool read_boolean(bool& x);
  bool read_natural(std::uint64_t& x, std::uint64_t max);
  bool read_integer(std::int64_t& x, std::int64_t min, std::int64_t max);
  bool read_real(double& x);
  bool open(MsgpackToken::Type container, std::uint32_t& size);
  bool take_nil();
  const MsgpackToken* take(MsgpackToken::Type type, std::string_view what);
  bool fail(std::string_view why);
  bool at_field(std::string_view name);  // false, for the way out.
  bool at_item(std::uint32_t i);         // Likewise.

  std::vector<MsgpackToken> tape_;
  std::uint32_t position_ = 0;
  Error error_{Errc::corrupt, ""};
  std::string path_;
};

}  // namespace troupe
