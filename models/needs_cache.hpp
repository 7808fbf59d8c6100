// What models ask of a device's memory and what may be asked of them,
// remembered: both read files, planning measures a forward pass, and a
// scheduler asks for each job. Not thread-safe.
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
  /// See request_limits().
  using Look = std::function<Result<RequestLimits>(
      const std::filesystem::path& folder, const std::string& kind)>;
  /// Of each sort; the one that was not asked for longest goes.
  static constexpr std::size_t kMaxEntries = 64;

  explicit NeedsCache(ModelPlaces places, Ask ask = model_needs,
                      Look look = request_limits)
      : places_{std::move(places)},
        ask_{std::move(ask)},
        look_{std::move(look)} {}

  /// As model_needs(), which is asked again when the folder that the name
  /// means, its config.json or what names its weights was written since.
  /// Errors: those of model_needs(), never remembered.
  /// Devices of one backend and compute capability are alike.
  Result<ModelNeeds> needs(const std::string& name, const Request& request,
                           const Device& device = {});

  /// As request_limits(), which is asked again when a file of the folder that
  /// the name means was written since. An error is remembered too, so that
  /// jobs for a broken model cost no more than others. Errors: also those of
  /// find_model().
  Result<RequestLimits> limits(const std::string& name,
                               const std::string& kind);

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

  struct Known {
    std::string kind;
    std::filesystem::path folder;
    std::vector<ModelFile> files;
    Result<RequestLimits> limits;
  };

  static Stamps stamps_of(const std::filesystem::path& folder);

  ModelPlaces places_;
  Ask ask_;
  Look look_;
  std::vector<Entry> entries_;  // The one asked for last comes first.
  std::vector<Known> known_;    // In the same order.
};

}  // namespace troupe
