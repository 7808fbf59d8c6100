#include "persistence/artifact_checks.hpp"

#include <fstream>

#include "platform/sha256.hpp"
#include "tests/persistence/store_fixture.hpp"

namespace troupe {
namespace {

class ArtifactChecksTest : public testing::Test {
 protected:
  void make(std::uint64_t bytes) {
    std::ofstream{file, std::ios::binary} << "film";
    std::filesystem::resize_file(file, bytes);
    sha256 = *platform::sha256_file(file);
  }
  void change_first_byte() {
    std::fstream{file, std::ios::binary | std::ios::in | std::ios::out} << "F";
  }

  ScratchDir dir;
  const std::filesystem::path file = dir.path() / "film";
  std::string sha256;
  ArtifactChecks checks;
};

TEST_F(ArtifactChecksTest, AFileThatIsNotThereIsNotWhole) {
  EXPECT_FALSE(*checks.is_whole(file, std::string(64, '0')));
}

TEST_F(ArtifactChecksTest, AChangedByteIsSeen) {
  make(4);
  EXPECT_TRUE(*checks.is_whole(file, sha256));
  change_first_byte();
  EXPECT_FALSE(*checks.is_whole(file, sha256));
}

TEST_F(ArtifactChecksTest, AChangeOfALargeFileThatWasWholeIsSeen) {
  make((64u << 20) + 1);
  EXPECT_TRUE(*checks.is_whole(file, sha256));
  EXPECT_TRUE(*checks.is_whole(file, sha256)) << "as it was";
  change_first_byte();
  EXPECT_FALSE(*checks.is_whole(file, sha256));
}

}  // namespace
}  // namespace troupe
