// Weights packed ahead of loads, as people see them: making them, which there
// are, and whether loads take them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "kernels/context.hpp"
#include "models/model_files.hpp"
#include "models/packed_place.hpp"

namespace troupe {

struct PackedCopy {
  kernels::WeightFormat format = kernels::WeightFormat::int8;
  std::filesystem::path file;
  std::uint64_t bytes = 0;
  std::string why_unused;  // Empty: loads take it.
};

/// Of a model's folder, by format. Of a folder that is no model: none.
std::vector<PackedCopy> packed_copies(const ModelSource& source);

/// Packs a model's weights for loads to come, whole or not at all. What is
/// there already and good stays, and nothing is read. Errors: those of
/// describe_model() and of the disk; disk_full with the figures; cancelled;
/// invalid_argument: f32; io_error: the folder changed meanwhile.
Result<PackedCopy> quantize_model(const ModelSource& source,
                                  kernels::WeightFormat format,
                                  const Context& ctx,
                                  const ModelProgress& progress);

/// Reads all that loads would take. Errors: corrupt, with what to type.
Status check_packed(const ModelSource& source);

/// What lies beside the models for this folder, as a list to be removed when
/// the folder is gone.
std::vector<std::filesystem::path> packed_beside(const ModelSource& source);

}  // namespace troupe
