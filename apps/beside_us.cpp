#include "apps/beside_us.hpp"

namespace troupe {

std::filesystem::path beside_us(std::string_view program) {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored)
             .parent_path() /
         program;
}

}  // namespace troupe
