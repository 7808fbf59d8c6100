// What is wrong with the files of a model, collected so that one answer names
// all of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace troupe {

class FileErrors {
 public:
  /// `file` is put before the paths of the error's faults, which are places
  /// within one file; an error that comes out of together() needs none.
  void add(Error error, std::string_view file = {});
  bool empty() const { return found_.empty(); }

  /// One alone is given as it is. Several: the first one's code and message
  /// with the number of the others, and each of them among the faults.
  /// REQUIRES: !empty().
  Error together() &&;

 private:
  struct Found {
    Error error;
    std::string file;
  };
  std::vector<Found> found_;
};

}  // namespace troupe
