// A disk for the store under simulation: takes no writes when told so, and
// forgets at a power cut what nobody had synced, or a part of it.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/clock.hpp"

namespace troupe::simulation {

/// Does not exist yet; in memory where the machine has a folder there, because
/// a run is thousands of small writes.
std::filesystem::path scratch_folder(const std::string& name);

enum class DiskFault { none, full, io_error, read_only, power_is_cut };

/// Files live in a real folder, best one in memory. One thread at a time but
/// for what the store itself does in the background.
class FaultyDisk {
 public:
  FaultyDisk();
  ~FaultyDisk();

  std::shared_ptr<rocksdb::FileSystem> file_system() const;

  void set_fault(DiskFault fault);
  DiskFault fault() const;

  /// Nothing is written from now on.
  void cut_power();
  /// After the store was closed: drops, keeps or tears what was not synced,
  /// as `random` has it; the disk works again.
  void restore_power(Random& random);

 private:
  class Files;
  std::shared_ptr<Files> files_;
};

}  // namespace troupe::simulation
