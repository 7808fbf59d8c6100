// A hash of log entries that does not depend on the build or on how records
// are encoded, so that runs of one seed can be compared anywhere.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/change.hpp"

namespace troupe::simulation {

/// FNV-1a, continued.
class LogHash {
 public:
  void add(std::string_view bytes);
  void add(std::uint64_t number);
  void add(const LogEntry& entry);
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325ull;
};

std::uint64_t hash_of(const LogEntry& entry);

}  // namespace troupe::simulation
