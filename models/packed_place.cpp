#include "models/packed_place.hpp"

#include <system_error>

#include "platform/sha256.hpp"

namespace troupe {
namespace {

namespace fs = std::filesystem;
using kernels::WeightFormat;

constexpr std::size_t kKeyDigits = 16;

fs::path place_inside(const ModelSource& source, WeightFormat format) {
  return source.folder / (".packed-" + std::string(to_string(format)));
}

// Of one folder by any of its names.
fs::path place_beside(const ModelSource& source, WeightFormat format) {
  std::error_code failed;
  auto folder = fs::canonical(source.folder, failed);
  if (failed) folder = fs::absolute(source.folder, failed);
  return source.packed /
         (platform::sha256_hex(folder.string()).substr(0, kKeyDigits) + "-" +
          std::string(to_string(format)));
}

bool has_name(const ModelSource& source) {
  return source.folder.parent_path() == source.packed.parent_path();
}

/// A folder of the data folder itself; of a link only the link is.
bool is_ours(const ModelSource& source) {
  std::error_code failed;
  return has_name(source) && !fs::is_symlink(source.folder, failed);
}

}  // namespace

ModelSource model_source(const ModelPlaces& places, fs::path folder) {
  if (places.folders.empty()) return {std::move(folder)};
  return {std::move(folder), places.folders.front() / ".packed"};
}

std::vector<fs::path> packed_places(const ModelSource& source,
                                    WeightFormat format) {
  std::vector<fs::path> places{place_inside(source, format)};
  if (!source.packed.empty()) places.push_back(place_beside(source, format));
  return places;
}

std::vector<fs::path> packed_homes(const ModelSource& source,
                                   WeightFormat format) {
  auto homes = packed_places(source, format);
  if (!is_ours(source)) homes.erase(homes.begin());
  return homes;
}

std::string called(const ModelSource& source) {
  return (has_name(source) ? source.folder.filename() : source.folder).string();
}

std::string quantize_command(const ModelSource& source, WeightFormat format) {
  return "troupe models quantize " + called(source) + " --dtype " +
         std::string(to_string(format));
}

}  // namespace troupe
