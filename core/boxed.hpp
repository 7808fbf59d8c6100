// An optional value that lies on the heap: a struct with many parts of which
// one is there stays small, so moving it through queues and batches is cheap.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace troupe {

/// As std::optional<T>: a value or nothing; copies copy the value. A move
/// leaves nothing behind.
template <class T>
class Boxed {
 public:
  using value_type = T;

  Boxed() = default;
  Boxed(std::nullopt_t) {}
  Boxed(T value) : value_{std::make_unique<T>(std::move(value))} {}
  Boxed(const Boxed& other)
      : value_{other ? std::make_unique<T>(*other) : nullptr} {}
  Boxed(Boxed&&) noexcept = default;
  Boxed& operator=(Boxed other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }
  ~Boxed() = default;

  template <class... Args>
  T& emplace(Args&&... args) {
    value_ = std::make_unique<T>(std::forward<Args>(args)...);
    return *value_;
  }
  void reset() { value_.reset(); }

  explicit operator bool() const { return value_ != nullptr; }
  bool has_value() const { return value_ != nullptr; }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return std::move(*value_); }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace troupe
