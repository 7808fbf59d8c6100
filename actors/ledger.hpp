// The arithmetic of device memory: who may use how many bytes of which
// device, with no actor and no device in sight.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/device.hpp"
#include "core/result.hpp"

namespace troupe {

/// Owners are attempts, by token; an owner has at most one reservation on a
/// device. What owners share is counted once, as it was when the first of them
/// came, and stays counted when the last of them went, until drop(): it is
/// still there. Not thread-safe; owned by one memory manager.
///
/// Invariant: for every device, reserved_bytes == sum of its reservations and
/// of its shared parts <= total_bytes, but for a device that shrank under its
/// reservations: there nothing is granted until they fit again.
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

  /// The model's parts that nobody uses are gone. Returns the bytes freed.
  std::uint64_t drop(const std::string& device, const std::string& model);

  /// Frees all that owners of epochs before `epoch` hold: a head that opened
  /// the store anew has fenced them. Returns the bytes freed.
  std::uint64_t release_before(std::uint64_t epoch);
  /// Frees all that owners of exactly `epoch` hold. Returns the bytes freed.
  std::uint64_t release_all(std::uint64_t epoch);

  /// Devices by name, reservations by owner.
  std::vector<LedgerReport> report() const;

 private:
  using PartKey = std::pair<std::string, std::string>;  // Model, name.
  struct Part {
    std::uint64_t bytes = 0;
    std::uint32_t users = 0;
  };
  struct Owned {
    std::uint64_t bytes = 0;
    std::vector<PartKey> shared;
  };
  struct Device {
    std::uint64_t total_bytes = 0;
    std::uint64_t reserved_bytes = 0;
    std::uint64_t peak_bytes = 0;
    std::map<Token, Owned> owners;
    std::map<PartKey, Part> parts;
  };

  /// The bytes that come with it: its own, and of parts that are not there.
  static std::uint64_t added_bytes(const Device& device, const Reservation& r);
  static std::uint64_t let_go(Device& device, const Owned& owned);
  template <class Predicate>
  std::uint64_t release_if(Predicate matches);

  std::map<std::string, Device> devices_;
};

}  // namespace troupe
