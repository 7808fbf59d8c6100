// The committed corpus and seeded mutations of it, in every build; ./dev fuzz
// searches further with coverage as its guide.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/safetensors_property.hpp"
#include "tests/models/golden.hpp"
#include "tests/models/safetensors_file.hpp"

namespace troupe {
namespace {

constexpr int kMutations = 50'000;

std::vector<std::string> corpus() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator("tests/fuzz/corpus/safetensors"))
    paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::vector<std::string> files;
  for (const auto& path : paths) files.push_back(read_text(path));
  return files;
}

class Mutator {
 public:
  Mutator(std::vector<std::string> files, std::uint32_t seed)
      : files_{std::move(files)}, random_{seed} {}

  std::string next() {
    auto file = any(files_);
    for (auto steps = below(4); steps-- > 0;) change(file);
    // Half of them keep a prefix that fits, so that the header is read.
    if (file.size() > 8 && below(2) == 0) {
      const auto brace = file.rfind('}');
      if (brace != file.npos && brace > 8)
        file.replace(0, 8, little_endian(brace - 7));
    }
    return file;
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  const std::string& any(const std::vector<std::string>& of) {
    return of[below(of.size())];
  }
  void change(std::string& file) {
    static const std::vector<std::string> kWords{"{",
                                                 "}",
                                                 "[",
                                                 "]",
                                                 ",",
                                                 ":",
                                                 "\"",
                                                 "0",
                                                 "1",
                                                 "-1",
                                                 "1e9",
                                                 "null",
                                                 "\"dtype\"",
                                                 "\"shape\"",
                                                 "\"data_offsets\"",
                                                 "__metadata__",
                                                 "F4",
                                                 "18446744073709551615",
                                                 "9223372036854775808",
                                                 "\\u0000",
                                                 "\xff"};
    const auto at = below(file.size() + 1);
    switch (below(5)) {
      case 0:
        if (at < file.size()) file[at] ^= static_cast<char>(1 << below(8));
        break;
      case 1:
        file.resize(at);
        break;
      case 2:
        file.insert(at, any(kWords));
        break;
      case 3:
        file.erase(at, below(4) + 1);
        break;
      default:
        file.replace(at, std::string::npos, any(files_), 0, std::string::npos);
    }
  }

  std::vector<std::string> files_;
  std::mt19937 random_;
};

TEST(SafetensorsFuzz, TheCorpusHoldsFilesToTakeAndToRefuse) {
  const auto files = corpus();
  const auto taken = std::ranges::count_if(
      files, [](const auto& file) { return read_any_safetensors(file); });
  EXPECT_GE(taken, 5);
  EXPECT_GE(static_cast<std::ptrdiff_t>(files.size()) - taken, 20);
}

TEST(SafetensorsFuzz, KeepsItsWordForMutatedFiles) {
  Mutator mutator{corpus(), 20261121};
  int taken = 0;
  for (int i = 0; i < kMutations; ++i)
    taken += read_any_safetensors(mutator.next()) ? 1 : 0;
  EXPECT_GT(taken, kMutations / 100);
  EXPECT_LT(taken, kMutations / 2);
}

}  // namespace
}  // namespace troupe
