// The models of a data folder: bringing one there and taking it away, whole or
// not at all. What was left by a process that died is cleared by the next.
#pragma once

#include <filesystem>
#include <string>

#include "models/model_files.hpp"

namespace troupe {

/// The file of hashes in a folder of models.
std::filesystem::path hashes_file(const std::filesystem::path& models);

/// What is wrong with a name for a model; empty: nothing.
std::string model_name_fault(const std::string& name);

struct NewModel {
  std::filesystem::path from;  // Absolute.
  std::string name;
  bool link = false;  // `models` gets a link to `from`, and no copy.
};

/// `models`/name with all files of `from` (see model_files()), durably; their
/// hashes are in `known`. Nothing is left where it fails. Errors:
/// invalid_argument (the name), already_exists, disk_full with the figures,
/// locked (another one is at it), those of model_files() and of
/// read_model_file().
Result<std::filesystem::path> add_model(const std::filesystem::path& models,
                                        const NewModel& model,
                                        KnownHashes& known,
                                        const ModelProgress& progress);

/// Of a link only the link. Errors: not_found, locked, those of the disk.
Status remove_model(const std::filesystem::path& models,
                    const std::string& name);

}  // namespace troupe
