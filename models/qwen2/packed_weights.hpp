// A Qwen2 model's weights packed once and kept in a file: which file belongs to
// a folder, and writing it. Never taken where the folder's weights, the shapes
// or the way of packing are other ones by now.
#pragma once

#include <filesystem>
#include <string>

#include "core/result.hpp"
#include "kernels/context.hpp"
#include "models/model_files.hpp"
#include "models/packed_place.hpp"
#include "models/qwen2/config.hpp"
#include "models/weights/packed_file.hpp"
#include "models/weights/weight_folder.hpp"

namespace troupe {

/// What they are marked with. Errors: io_error: a file went away.
Result<PackedTag> qwen2_packed_tag(const Qwen2Config& config,
                                   const WeightFolder& folder,
                                   kernels::WeightFormat format);

/// The packed weights that belong to the folder as it is. Errors: not_found:
/// there are none, nor may there be (f32; rows on a device); stale, corrupt:
/// there are, with why they are not used and what to type.
Result<PackedFile> find_packed(const ModelSource& source,
                               const Qwen2Config& config,
                               const WeightFolder& folder,
                               kernels::WeightFormat format,
                               const Device& device = {});

/// Packs the folder's weights into the first place that can be written to, in
/// pieces: the machine need not have room for all at once. `progress` counts
/// bytes of the folder. Nothing is left where it fails. Errors: those of
/// loading, cancelled, disk_full with the figures, those of the disk;
/// invalid_argument: f32, which is loaded as fast as it is.
Result<std::filesystem::path> pack_qwen2(const ModelSource& source,
                                         kernels::WeightFormat format,
                                         const Context& ctx,
                                         const ModelProgress& progress);

/// "FILE: WHY; the weights are packed anew at each load; to keep them again,
/// type: ..."
std::string not_used(const Error& why, const ModelSource& source,
                     kernels::WeightFormat format);

}  // namespace troupe
