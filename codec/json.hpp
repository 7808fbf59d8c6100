// The JSON people and scripts see, from the one `inspect` a type has. Enums
// and ids are their names. Reading says of every field why it is wrong.
#pragma once

#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/boxed.hpp"
#include "core/nearest.hpp"
#include "core/result.hpp"

namespace troupe {

using Json = nlohmann::ordered_json;

/// What a fault says first of a member that the type does not have.
inline constexpr std::string_view kUnknownName = "is not known here";

/// What reading does with a member that the type does not have.
enum class UnknownFields { skip, refuse };

class JsonWriter {
 public:
  static constexpr bool is_loading = false;

  explicit JsonWriter(Json& out) : out_{out} {}

  static constexpr bool has_human_readable_format() { return true; }

  template <class T>
  struct Field {
    std::string_view name;
    T& value;
  };

  class Object {
   public:
    explicit Object(JsonWriter& writer) : writer_{writer} {}
    Object& pretty_name(std::string_view) { return *this; }

    template <class... T>
    bool fields(Field<T>... fields) {
      writer_.out_ = Json::object();
      return (writer_.member(fields) && ...);
    }

   private:
    JsonWriter& writer_;
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
    if constexpr (std::is_arithmetic_v<T>) {
      out_ = x;
      return true;
    } else {
      return inspect(*this, x);
    }
  }
  bool value(std::string& x) {
    out_ = x;
    return true;
  }
  template <class T>
  bool value(std::optional<T>& x) {
    if (x) return value(*x);
    out_ = nullptr;
    return true;
  }
  template <class T>
  bool value(Boxed<T>& x) {
    if (x) return value(*x);
    out_ = nullptr;
    return true;
  }
  template <class T>
  bool value(std::vector<T>& xs) {
    out_ = Json::array();
    for (auto& x : xs)
      if (!JsonWriter{out_.emplace_back()}.value(x)) return false;
    return true;
  }
  template <class T>
  bool value(std::map<std::string, T>& xs) {
    out_ = Json::object();
    for (auto& [name, x] : xs)
      if (!JsonWriter{out_[name]}.value(x)) return false;
    return true;
  }

 private:
  template <class T>
  bool member(Field<T>& field) {
    return JsonWriter{out_[std::string(field.name)]}.value(field.value);
  }
  template <class T>
  bool member(Field<Boxed<T>>& field) {  // Absent: no member.
    if (!field.value) return true;
    return JsonWriter{out_[std::string(field.name)]}.value(*field.value);
  }
  template <class T>
  bool member(Field<std::optional<T>>& field) {  // Absent: no member.
    if (!field.value) return true;
    return JsonWriter{out_[std::string(field.name)]}.value(field.value);
  }

  Json& out_;
};

class JsonReader {
 public:
  static constexpr bool is_loading = true;

  JsonReader(const Json& in, UnknownFields unknown)
      : in_{&in}, unknown_{unknown} {}

  static constexpr bool has_human_readable_format() { return true; }

  template <class T>
  struct Field {
    std::string_view name;
    T& value;
  };

  class Object {
   public:
    explicit Object(JsonReader& reader) : reader_{reader} {}
    Object& pretty_name(std::string_view) { return *this; }

    template <class... T>
    bool fields(Field<T>... fields) {
      if (!reader_.in_->is_object()) return reader_.fail("must be an object");
      bool good = reader_.only_known({fields.name...});
      ((good &= reader_.member(fields)), ...);
      return good;
    }

   private:
    JsonReader& reader_;
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
    return set(std::move(x)) || fail(not_understood());
  }
  /// An enum, by its name.
  template <class Enum>
  bool named(Enum& x, Enum last) {
    std::string name;
    if (!value(name)) return false;
    const auto found = enum_named(name, last);
    if (!found) return fail(found.error().message);
    x = *found;
    return true;
  }

  template <class T>
  bool value(T& x) {
    if constexpr (std::is_same_v<T, bool>) {
      if (!in_->is_boolean()) return fail("must be true or false");
      x = in_->get<bool>();
      return true;
    } else if constexpr (std::is_floating_point_v<T>) {
      if (!in_->is_number()) return fail("must be a number");
      x = in_->get<T>();
      return true;
    } else if constexpr (std::is_integral_v<T>) {
      return whole_number(x);
    } else {
      return inspect(*this, x);
    }
  }
  bool value(std::string& x) {
    if (!in_->is_string()) return fail("must be a string");
    x = in_->get_ref<const std::string&>();
    return true;
  }
  template <class T>
  bool value(std::optional<T>& x) {
    return value(x.emplace());
  }
  template <class T>
  bool value(Boxed<T>& x) {
    return value(x.emplace());
  }
  template <class T>
  bool value(std::vector<T>& xs) {
    if (!in_->is_array()) return fail("must be an array");
    xs.clear();
    bool good = true;
    for (const auto& item : *in_) {
      const auto name = "[" + std::to_string(xs.size()) + "]";
      good &= nested(name, item, xs.emplace_back());
    }
    return good;
  }
  template <class T>
  bool value(std::map<std::string, T>& xs) {
    if (!in_->is_object()) return fail("must be an object");
    xs.clear();
    bool good = true;
    for (const auto& [name, item] : in_->items())
      good &= nested(name, item, xs[name]);
    return good;
  }

  /// invalid_argument: the first fault in words, all of them as data.
  Error error() const;

 private:
  template <class T>
  bool whole_number(T& x) {
    if (!in_->is_number_integer()) return fail("must be a whole number");
    if (in_->is_number_unsigned()) {
      const auto y = in_->get<std::uint64_t>();
      if (y > static_cast<std::uint64_t>(std::numeric_limits<T>::max()))
        return fail("is too large");
      x = static_cast<T>(y);
      return true;
    }
    const auto y = in_->get<std::int64_t>();
    // A signed JSON number is not always below zero.
    if (std::is_unsigned_v<T> && y < 0) return fail("must not be negative");
    if (std::cmp_less(y, std::numeric_limits<T>::min()) ||
        std::cmp_greater(y, std::numeric_limits<T>::max()))
      return fail("is out of range");
    x = static_cast<T>(y);
    return true;
  }
  template <class T>
  bool nested(std::string_view name, const Json& item, T& x) {
    const Json* outer = std::exchange(in_, &item);
    const auto length = path_.size();
    enter(name);
    const bool good = value(x);
    path_.resize(length);
    in_ = outer;
    return good;
  }
  template <class T>
  bool member(Field<T>& field) {
    const auto it = in_->find(field.name);
    if (it == in_->end() || it->is_null()) return true;
    return nested(field.name, *it, field.value);
  }
  bool only_known(std::initializer_list<std::string_view> names);
  std::string not_understood() const;
  bool fail(std::string why);  // false, for the way out.
  void enter(std::string_view name);

  const Json* in_;
  UnknownFields unknown_;
  std::string path_;  // Of *in_.
  std::vector<Fault> faults_;
};

/// Absent optionals are left out; everything else is there.
template <class T>
Json to_json(const T& x) {
  Json out;
  JsonWriter{out}.value(const_cast<T&>(x));  // One inspect() for both ways.
  return out;
}

/// Members that are missing or null keep their defaults.
/// Errors: invalid_argument with a fault for everything that is wrong. What
/// could be read is in `partly` then, where that is given.
template <class T>
Result<T> from_json(const Json& json,
                    UnknownFields unknown = UnknownFields::skip,
                    T* partly = nullptr) {
  T x{};
  JsonReader reader{json, unknown};
  if (reader.value(x)) return x;
  if (partly) *partly = std::move(x);
  return reader.error();
}

/// Containers inside each other, at most, in text from outside.
inline constexpr int kMaxJsonDepth = 64;

/// Errors: invalid_argument, with the line of the mistake.
Result<Json> parse_json(std::string_view text);

/// One line; bytes that are no UTF-8 become U+FFFD.
std::string dump_json(const Json& json);

}  // namespace troupe
