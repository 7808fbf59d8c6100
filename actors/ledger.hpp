// The arithmetic of device memory: who may use how many bytes of which
// device, with no actor and no device in sight.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/result.hpp"

namespace troupe {

/// Owners are attempts, by token; an owner has at most one reservation on a
/// device. Not thread-safe; owned by one memory manager.
///
/// Invariant: for every device, reserved_bytes == sum of its reservations
/// <= total_bytes, but for a device that shrank under its reservations:
/// there nothing is granted until they fit again.
class Ledger {
 public:
  /// New, or with another budget; its reservations stay.
  void set_device(const std::string& name, std::uint64_t total_bytes);

  /// The same again is granted again, and counts once.
  /// Errors: invalid_argument (no such device), already_exists (the owner has
  /// another amount there), out_of_memory.
  Status reserve(const Reservation& reservation);

  /// Returns the bytes freed; 0 for what is not reserved.
  std::uint64_t release(const Token& owner, const std::string& device);

  /// Frees all that owners of epochs before `epoch` hold: a head that opened
  /// the store anew has fenced them. Returns the bytes freed.
  std::uint64_t release_before(std::uint64_t epoch);
  /// Frees all that owners of exactly `epoch` hold. Returns the bytes freed.
  std::uint64_t release_all(std::uint64_t epoch);

  /// Devices by name, reservations by owner.
  std::vector<LedgerReport> report() const;

 private:
  struct Device {
    std::uint64_t total_bytes = 0;
    std::uint64_t reserved_bytes = 0;
    std::uint64_t peak_bytes = 0;
    std::map<Token, std::uint64_t> owners;
  };

  template <class Predicate>
  std::uint64_t release_if(Predicate matches);

  std::map<std::string, Device> devices_;
};

}  // namespace troupe
