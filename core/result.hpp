// Values that may fail. Expected failures travel as Result<T>; broken
// invariants abort (TROUPE_ASSERT); exceptions never cross a folder boundary.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/inspect.hpp"

namespace troupe {

/// What a caller can *do* about a failure; the message is for humans only.
/// Positional on the wire: new codes go at the end.
enum class Errc : std::uint8_t {
  invalid_argument = 1,  // Caller's fault; retrying cannot help.
  not_found,             // Never heard of it.
  already_exists,        // Same id, other content; or a state that forbids it.
  out_of_memory,         // Retry later, or on another device.
  unavailable,           // Temporarily not; retry after retry_after_ms.
  cancelled,
  corrupt,      // Stored bytes fail their checks; needs an operator.
  device_lost,  // The device's process or context is dead.
  forgotten,    // Existed; retention removed it.
  disk_full,    // Below the low-water mark; free space, then retry.
  read_only,    // The file system refuses writes.
  io_error,     // The disk failed; needs an operator.
  locked,       // Another process holds the data folder.
  denied,       // The certificate's role or tenant does not allow it.
  unsupported,  // This build does not know the request, by name.
  too_large,    // Over a named limit.
  stale,        // The fencing token or cursor is not the current one.
  timeout,      // Outcome unknown; asking again with the same id is safe.
  internal,     // A defect of ours, reported instead of hidden.
};
inline constexpr Errc kLastErrc = Errc::internal;

/// The snake_case name that people and scripts see.
std::string_view to_string(Errc code);

/// One thing that is wrong with a request: `path` is where ("params.argv[0]").
struct Fault {
  std::string path;
  std::string message;  // What is wrong and what is allowed.
  friend bool operator==(const Fault&, const Fault&) = default;
};

/// "params.n is 0; ...; params.stop has ... (and 3 more)": the first eight,
/// for where only a message is kept. Empty for none.
std::string faults_text(const std::vector<Fault>& faults);

struct Error {
  Errc code = Errc::internal;
  std::string message;  // Lower case, no full stop: "open /x: no such file".
  std::vector<Fault> faults = {};   // All that is wrong, when invalid_argument.
  std::int64_t retry_after_ms = 0;  // Hint; 0: none.
};

template <class Inspector>
bool inspect(Inspector& f, Errc& x) {
  return inspect_enum(f, x, kLastErrc);
}

template <class Inspector>
bool inspect(Inspector& f, Fault& x) {
  return f.object(x).fields(f.field("path", x.path),
                            f.field("message", x.message));
}

template <class Inspector>
bool inspect(Inspector& f, Error& x) {
  return f.object(x).fields(
      f.field("code", x.code), f.field("message", x.message),
      f.field("faults", x.faults), f.field("retry_after_ms", x.retry_after_ms));
}

/// Holds either a T or the Error that prevented it.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : v_{std::in_place_index<0>, std::move(value)} {}
  Result(Error error) : v_{std::in_place_index<1>, std::move(error)} {}

  explicit operator bool() const noexcept { return v_.index() == 0; }

  /// REQUIRES: *this holds a value.
  T& operator*() & { return std::get<0>(v_); }
  const T& operator*() const& { return std::get<0>(v_); }
  T&& operator*() && { return std::get<0>(std::move(v_)); }
  T* operator->() { return &std::get<0>(v_); }
  const T* operator->() const { return &std::get<0>(v_); }

  /// REQUIRES: *this holds an error.
  const Error& error() const { return std::get<1>(v_); }
  Error& error() { return std::get<1>(v_); }

 private:
  std::variant<T, Error> v_;
};

struct Unit {};  // Result<Unit>, spelled Status.
using Status = Result<Unit>;
inline Status ok() {
  return Unit{};
}

}  // namespace troupe

/// For invariants only: a false condition means this program is wrong.
#define TROUPE_ASSERT(cond)                                                  \
  ((cond) ? void(0)                                                          \
          : (std::fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, \
                          __LINE__, #cond),                                  \
             std::abort()))
