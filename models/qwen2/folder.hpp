// A Qwen2 model's folder, held to all that loading would refuse but for the
// numbers of its weights: headers, configuration and text files, no weight.
#pragma once

#include <filesystem>

#include "core/result.hpp"
#include "models/qwen2/config.hpp"
#include "models/qwen2/text_files.hpp"
#include "models/weights/weight_folder.hpp"

namespace troupe {

struct Qwen2Folder {
  Qwen2Config config;
  WeightFolder weights;
  Qwen2Text text;
};

/// Errors: those of load_qwen2_config(), WeightFolder::open(),
/// check_qwen2_tensors() and load_qwen2_text(), all in one answer; of a folder
/// without config.json this alone.
Result<Qwen2Folder> open_qwen2_folder(const std::filesystem::path& dir);

}  // namespace troupe
