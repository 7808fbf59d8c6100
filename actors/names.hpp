// Names as small numbers: what a million jobs repeat is stored once.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace troupe {

/// Numbers from 0 in the order of first use; 0 is the empty name.
class Names {
 public:
  static constexpr std::uint32_t kUnknown = ~std::uint32_t{0};

  Names() { number(""); }
  Names(Names&&) = default;  // Keys view into names_: moves keep them.
  Names(const Names&) = delete;

  std::uint32_t number(std::string_view name) {
    const auto at = numbers_.find(name);
    if (at != numbers_.end()) return at->second;
    const auto n = static_cast<std::uint32_t>(names_.size());
    numbers_.emplace(names_.emplace_back(name), n);
    return n;
  }
  /// kUnknown for a name nobody used.
  std::uint32_t find(std::string_view name) const {
    const auto at = numbers_.find(name);
    return at == numbers_.end() ? kUnknown : at->second;
  }
  const std::string& operator[](std::uint32_t number) const {
    return names_[number];
  }
  std::size_t size() const { return names_.size(); }

 private:
  std::deque<std::string> names_;
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
};

}  // namespace troupe
