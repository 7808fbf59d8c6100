// The programs that are installed beside this one.
#pragma once

#include <filesystem>
#include <string_view>

namespace troupe {

/// Whether it is there or not.
std::filesystem::path beside_us(std::string_view program);

}  // namespace troupe
