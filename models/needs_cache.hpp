// What models ask of a device's memory, remembered: planning reads files and
// measures a forward pass, and a scheduler asks for each job. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/model.hpp"
#include "models/model_files.hpp"

namespace troupe {

class NeedsCache {
 public:
  using Ask = std::function<Result<ModelNeeds>(const ModelPlaces&,
                                               const std::string& name,
                                               const Request&, const Device&)>;
  /// Kept; the one that was not asked for longest goes.
  static constexpr std::size_t kMaxEntries = 64;

  explicit NeedsCache(ModelPlaces places, Ask ask = model_needs)
      : places_{std::move(places)}, ask_{std::move(ask)} {}

  /// As model_needs(), which is asked again when the folder that the name
  /// means, its config.json or what names its weights was written since.
  /// Errors: those of model_needs(), never remembered.
  /// Devices of one backend and compute capability are alike.
  Result<ModelNeeds> needs(const std::string& name, const Request& request,
                           const Device& device = {});

 private:
  using Stamps = std::array<std::optional<FileStamp>, 4>;
  struct Entry {
    std::string kind;
    std::string name;
    std::string setting;
    Device device;
    Stamps stamps;
    ModelNeeds needs;
  };

  static Stamps stamps_of(const std::filesystem::path& folder);

  ModelPlaces places_;
  Ask ask_;
  std::vector<Entry> entries_;  // The one asked for last comes first.
};

}  // namespace troupe
