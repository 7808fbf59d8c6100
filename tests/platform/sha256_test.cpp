#include "platform/sha256.hpp"

#include <gtest/gtest.h>

#include "platform/file.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe::platform {
namespace {

// FIPS 180-2, appendix B.1.
constexpr char kAbc[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256, AgreesWithThePublishedExample) {
  EXPECT_EQ(sha256_hex("abc"), kAbc);
}

TEST(Sha256, DoesNotDependOnHowTheBytesArrive) {
  Sha256 hash;
  hash.update("a");
  hash.update("");
  hash.update("bc");
  EXPECT_EQ(hash.finish_hex(), kAbc);
}

TEST(Sha256, HashesAFile) {
  TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "f", "abc"));
  EXPECT_EQ(*sha256_file(dir / "f"), kAbc);
}

TEST(Sha256, AMissingFileIsNotFound) {
  TempDir dir;
  EXPECT_EQ(sha256_file(dir / "none").error().code, Errc::not_found);
}

}  // namespace
}  // namespace troupe::platform
