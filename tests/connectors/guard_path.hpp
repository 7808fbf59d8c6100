// Where the tests find the guard and their own helper programs.
#pragma once

#include <filesystem>

namespace troupe {

inline std::filesystem::path test_programs() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

inline std::filesystem::path guard_path() {
  return test_programs().parent_path() / "bin" / "troupe-guard";
}

}  // namespace troupe
