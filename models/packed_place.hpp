// Where the packed weights of a model are kept: in its folder where that is one
// of the data folder, else beside those, since folders that are not ours are
// not written to. The names begin with a dot, so they are no part of a model
// nor of its hash.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernels/packed.hpp"
#include "models/model_places.hpp"

namespace troupe {

/// A model's folder, and where packed weights of folders that are not ours are
/// kept (empty: nowhere). A path alone is the former.
struct ModelSource {
  ModelSource(std::filesystem::path folder, std::filesystem::path packed = {})
      : folder{std::move(folder)}, packed{std::move(packed)} {}

  std::filesystem::path folder;
  std::filesystem::path packed;
};

/// Of a folder that these places have, or of any other.
ModelSource model_source(const ModelPlaces& places,
                         std::filesystem::path folder);

/// Where packed weights of that format may lie, the first choice first.
std::vector<std::filesystem::path> packed_places(const ModelSource& source,
                                                 kernels::WeightFormat format);

/// Where they are written to: the first of these that can be.
std::vector<std::filesystem::path> packed_homes(const ModelSource& source,
                                                kernels::WeightFormat format);

/// What people call the model in commands: a name where the places have one,
/// else the folder.
std::string called(const ModelSource& source);

/// "troupe models quantize NAME --dtype int8"
std::string quantize_command(const ModelSource& source,
                             kernels::WeightFormat format);

}  // namespace troupe
