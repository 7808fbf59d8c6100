#include "platform/folder_lock.hpp"

#include <gtest/gtest.h>

#include "tests/platform/temp_dir.hpp"

namespace troupe::platform {
namespace {

TEST(FolderLock, ASecondHolderIsRefusedAndToldWhoHoldsIt) {
  TempDir dir;
  auto first = FolderLock::acquire(dir.path());
  ASSERT_TRUE(first) << first.error().message;
  auto second = FolderLock::acquire(dir.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::locked);
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())),
            std::string::npos);
}

TEST(FolderLock, IsFreeAgainWhenTheHolderLetsGo) {
  TempDir dir;
  { ASSERT_TRUE(FolderLock::acquire(dir.path())); }
  EXPECT_TRUE(FolderLock::acquire(dir.path()));
}

TEST(FolderLock, AMissingFolderIsNotFound) {
  TempDir dir;
  EXPECT_EQ(FolderLock::acquire(dir / "none").error().code, Errc::not_found);
}

}  // namespace
}  // namespace troupe::platform
