// What people and scripts are told of a model: what it is, what it takes and
// where it fits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "codec/json.hpp"
#include "models/describe.hpp"
#include "models/quantize.hpp"

namespace troupe {

/// A device and what may be reserved of its memory.
struct DeviceRoom {
  std::string device;
  std::uint64_t memory_bytes = 0;
};

struct ModelFacts {
  std::filesystem::path folder;
  ModelDescription description;
  std::string hash;  // Empty: not known.
  std::vector<DeviceRoom> devices;
  std::vector<PackedCopy> packed;
};

/// All components together.
std::uint64_t memory_of(const ModelDescription& description);

/// In which numbers it fits there: "" in its own, "int8" in smaller ones;
/// nothing where it does not.
std::optional<std::string> fitting_dtype(const ModelDescription& description,
                                         const DeviceRoom& room);

/// "cpu, gpu0 as int8", or "nowhere: cpu has 2.0 GiB".
std::string fits_text(const ModelDescription& description,
                      const std::vector<DeviceRoom>& devices);

/// "int8, int4 (not used)"; "-" for none.
std::string packed_text(const std::vector<PackedCopy>& copies);

/// "494 M", "7.6 B"; exact below a thousand.
std::string count_text(std::uint64_t count);

/// folder family kinds parameters stored_bytes dtypes tokens max_positions
/// chats why_no_chat memory_bytes components devices[{device,memory_bytes,
/// fits,fits_as}] packed[{dtype,file,bytes,used,why}], and `hash` where it is
/// known.
Json model_json(const ModelFacts& facts);

/// The same, a line each.
std::string model_text(const ModelFacts& facts);

}  // namespace troupe
