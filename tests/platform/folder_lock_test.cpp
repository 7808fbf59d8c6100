#include "platform/folder_lock.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

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

TEST(FolderLock, AFolderInThePlaceOfItsFileIsNamedWithWhatToDo) {
  TempDir dir;
  std::filesystem::create_directory(dir / "lock");
  const auto held = FolderLock::acquire(dir.path());
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, Errc::io_error);
  EXPECT_EQ(held.error().message,
            (dir / "lock").string() +
                " is a folder, where the lock is kept in a file of that name; "
                "move the folder away");
}

TEST(FolderLock, IsFreeAgainWhenTheHolderLetsGo) {
  TempDir dir;
  { ASSERT_TRUE(FolderLock::acquire(dir.path())); }
  EXPECT_TRUE(FolderLock::acquire(dir.path()));
}

// As when a node is killed while it starts a program.
TEST(FolderLock, WaitsForWhatADeadHolderLeftBehind) {
  TempDir dir;
  const auto holder = ::fork();
  if (holder == 0) {
    auto held = FolderLock::acquire(dir.path());
    // It still has the descriptor. How long is no matter of this test, and
    // nothing tells it that acquire() waits.
    if (::fork() == 0) ::usleep(300'000);
    ::_exit(held ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(holder, &status, 0), holder);
  ASSERT_EQ(status, 0);
  const auto mine = FolderLock::acquire(dir.path());
  EXPECT_TRUE(mine) << mine.error().message;
}

TEST(FolderLock, AMissingFolderIsNotFound) {
  TempDir dir;
  EXPECT_EQ(FolderLock::acquire(dir / "none").error().code, Errc::not_found);
}

}  // namespace
}  // namespace troupe::platform
