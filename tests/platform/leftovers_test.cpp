#include "platform/leftovers.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>

#include "platform/file.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe::platform {
namespace {

void set_age(const std::filesystem::path& path, std::chrono::minutes age) {
  std::filesystem::last_write_time(
      path, std::filesystem::file_time_type::clock::now() - age);
}

/// As a process leaves it that is killed while it writes.
void leave(const std::filesystem::path& path, std::chrono::minutes age) {
  ASSERT_TRUE(create_new(path));
  set_age(path, age);
}

std::set<std::string> names_in(const std::filesystem::path& dir) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(dir))
    names.insert(entry.path().filename().string());
  return names;
}

TEST(Leftovers, WhatAKilledWriterLeftIsRemovedWhenItIsOld) {
  const TempDir dir;
  leave(dir / "new-17.tmp", std::chrono::minutes{61});
  leave(dir / "new-18.tmp", std::chrono::minutes{59});
  leave(dir / "new-x.tmp", std::chrono::minutes{61});
  leave(dir / "new-.tmp", std::chrono::minutes{61});
  leave(dir / "a.tmp", std::chrono::minutes{61});
  std::filesystem::create_symlink(dir / "a.tmp", dir / "new-19.tmp");
  EXPECT_EQ(remove_leftovers(dir.path()), 1u);
  const std::set<std::string> kept{"a.tmp", "new-.tmp", "new-18.tmp",
                                   "new-19.tmp", "new-x.tmp"};
  EXPECT_EQ(names_in(dir.path()), kept);
  EXPECT_EQ(remove_leftovers(dir / "not there"), 0u);
}

TEST(Leftovers, WhatALivingProcessWritesIsKeptHoweverOldItIs) {
  const TempDir dir;
  auto file = AtomicFile::create(dir.path());
  ASSERT_TRUE(file);
  set_age(file->temporary(), std::chrono::hours{48});
  EXPECT_EQ(remove_leftovers(dir.path()), 0u);
  EXPECT_TRUE(file->commit(dir / "a"));
}

TEST(Leftovers, AnAtomicFileThatIsDroppedUnseenHasANameThatIsSwept) {
  const TempDir dir;
  std::filesystem::path left;
  {
    auto file = AtomicFile::create(dir.path());
    ASSERT_TRUE(file);
    std::filesystem::create_directory(dir / "copy");
    left = dir / "copy" / file->temporary().filename();
    std::filesystem::copy_file(file->temporary(), left);
  }
  set_age(left, std::chrono::minutes{61});
  EXPECT_EQ(remove_leftovers(left.parent_path()), 1u);
}

}  // namespace
}  // namespace troupe::platform
