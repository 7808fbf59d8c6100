// How fast the disk under a file reads it, with nothing of it in memory: what
// loading cannot beat.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace troupe::bench {

/// Throws std::runtime_error where the system keeps some of it in memory.
void make_cold(const std::filesystem::path& file);

/// Brings all of it into the system's cache.
void make_warm(const std::filesystem::path& file);

/// Bytes a second of each way to read: through the system's cache and past it,
/// one and several reads at a time.
struct DiskRates {
  std::vector<double> one_stream;  // As `dd` reads.
  std::vector<double> several;
};

/// One loop each over the whole cold file, in the same order each time; 0 where
/// the file system knows no such way. Throws std::runtime_error where the file
/// cannot be read.
DiskRates disk_rates(const std::filesystem::path& file);

/// The way whose median over the rounds is highest: the best of single reads
/// would be the luckiest. `rounds[round][way]`; its rate in each round.
/// REQUIRES: !rounds.empty().
std::vector<double> best_way(const std::vector<std::vector<double>>& rounds);

}  // namespace troupe::bench
