// Bytes that change on the disk by themselves.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "persistence/rocks.hpp"

namespace troupe {

inline void flip(const std::filesystem::path& path, std::uint64_t offset) {
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  file.seekg(static_cast<std::streamoff>(offset));
  const char byte = static_cast<char>(file.get() ^ 0x40);
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(byte);
}

struct Table {
  std::filesystem::path name;
  bool of_the_index = false;
};

/// Those of the store in `dir`, which nobody has open.
inline std::vector<Table> tables_of(const std::filesystem::path& dir,
                                    const StoreOptions& options) {
  std::vector<Table> tables;
  const auto base = storage::Database::open_read_only(dir / "db", options);
  if (!base) return tables;
  std::vector<rocksdb::LiveFileMetaData> files;
  (*base)->db().GetLiveFilesMetaData(&files);
  for (const auto& file : files)
    tables.push_back({std::filesystem::path{file.name}.filename(),
                      file.column_family_name == "index"});
  return tables;
}

}  // namespace troupe
