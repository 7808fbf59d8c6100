// Files of tests/golden, whose lines are JSON objects.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "codec/json.hpp"

namespace troupe {

inline const std::filesystem::path kGoldenDir = "tests/golden";

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::vector<Json> read_lines(const std::filesystem::path& path) {
  std::vector<Json> rows;
  std::istringstream lines{read_text(path)};
  for (std::string line; std::getline(lines, line);) {
    auto row = parse_json(line);
    EXPECT_TRUE(row) << path << ": " << line;
    if (row) rows.push_back(std::move(*row));
  }
  return rows;
}

}  // namespace troupe
