// Safetensors files as a test wants them, well-formed or not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace troupe {

inline std::string little_endian(std::uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i)
    bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

inline std::string safetensors(std::string_view header,
                               std::string_view data = {}) {
  return little_endian(header.size()) + std::string(header) + std::string(data);
}

inline void write_bytes(const std::filesystem::path& path,
                        std::string_view bytes) {
  std::ofstream{path, std::ios::binary}.write(
      bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace troupe
