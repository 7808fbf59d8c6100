#include "models/file_errors.hpp"

#include <utility>

namespace troupe {

void FileErrors::add(Error error, std::string_view file) {
  found_.push_back({std::move(error), std::string(file)});
}

Error FileErrors::together() && {
  if (found_.size() == 1) return std::move(found_.front().error);
  Error all{.code = found_.front().error.code};
  for (auto& [error, file] : found_) {
    const auto& message = error.message;
    // One of together() has its message among its faults.
    const bool has_own =
        !error.faults.empty() && error.faults.front().path.empty();
    if (!has_own) all.faults.push_back({"", message});
    for (auto& fault : error.faults) {
      const bool told =
          message.find(fault.path + " " + fault.message) != message.npos;
      if (told && !has_own) continue;
      if (!file.empty()) fault.path = file + " " + fault.path;
      all.faults.push_back(std::move(fault));
    }
  }
  all.message = all.faults.front().message + " (and " +
                std::to_string(all.faults.size() - 1) + " more)";
  return all;
}

}  // namespace troupe
