// What a model's folder holds, found out without loading it: for people who
// ask what a model is, whether it is whole, and what it would take.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "models/model.hpp"
#include "models/weights/safetensors.hpp"

namespace troupe {

/// A model takes so much when it is computed in these numbers.
struct DtypeMemory {
  std::string dtype;
  std::uint64_t bytes = 0;
};

struct ModelDescription {
  std::string family;
  std::vector<std::string> kinds;
  std::uint64_t parameters = 0;  // Of the tensors that are stored.
  std::uint64_t stored_bytes = 0;
  std::vector<std::string> dtypes;  // Of the stored tensors.
  std::uint64_t tokens = 0;         // That its tokenizer has.
  std::int64_t max_positions = 0;
  bool chats = false;  // Else raw prompts only, because:
  std::string why_no_chat;
  std::vector<Component> components;  // What it takes on a device.
  std::vector<DtypeMemory> smaller;   // What less would do, the best first.
};

/// Reads headers, configuration and text files, no weight. Errors: not_found,
/// unsupported (no family knows it), corrupt with all faults, too_large,
/// denied, io_error.
Result<ModelDescription> describe_model(const std::filesystem::path& dir);

/// Reads every weight once, as loading would, and keeps none. Errors: as
/// above; corrupt: a file that is cut short; of each tensor the first number
/// that is none.
Status check_model(const std::filesystem::path& dir);

}  // namespace troupe
