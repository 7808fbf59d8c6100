#include "platform/file.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <span>
#include <string>

#include "tests/platform/temp_dir.hpp"

namespace troupe::platform {
namespace {

std::size_t entries(const std::filesystem::path& dir) {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(dir))
    ++n;
  return n;
}

TEST(File, AnAtomicWriteReplacesTheWholeContentAndLeavesNoTemporary) {
  TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "a", "long old content"));
  ASSERT_TRUE(write_file_atomically(dir / "a", "new"));
  EXPECT_EQ(*read_file(dir / "a"), "new");
  EXPECT_EQ(entries(dir.path()), 1u);
}

TEST(File, WhatIsThereIsOpenedForWritingAndNothingIsCreated) {
  TempDir dir;
  EXPECT_EQ(open_existing(dir / "a").error().code, Errc::not_found);
  EXPECT_EQ(entries(dir.path()), 0u);
  ASSERT_TRUE(write_file_atomically(dir / "a", "old"));
  const auto fd = open_existing(dir / "a");
  ASSERT_TRUE(fd);
  ASSERT_TRUE(write_all(fd->get(), "b"));
  EXPECT_EQ(*read_file(dir / "a"), "bld");
}

TEST(File, AnAtomicWriteMakesTheFilePrivate) {
  TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "a", "x"));
  struct stat info {};
  ASSERT_EQ(::stat((dir / "a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
}

TEST(File, AnUncommittedFileIsRemoved) {
  TempDir dir;
  {
    auto file = AtomicFile::create(dir.path());
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write("half"));
    EXPECT_EQ(entries(dir.path()), 1u);
  }
  EXPECT_EQ(entries(dir.path()), 0u);
}

TEST(File, ACommittedFileOutlivesItsWriter) {
  TempDir dir;
  {
    auto file = AtomicFile::create(dir.path());
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write("ab"));
    ASSERT_TRUE(file->write("c"));
    EXPECT_EQ(file->size(), 3u);
    ASSERT_TRUE(file->commit(dir / "done"));
  }
  EXPECT_EQ(*read_file(dir / "done"), "abc");
}

TEST(File, AMissingFileIsNotFoundAndSaysWhich) {
  TempDir dir;
  auto read = read_file(dir / "none");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::not_found);
  EXPECT_NE(read.error().message.find((dir / "none").string()),
            std::string::npos);
}

TEST(File, ReadsExactlyUpToTheLimitAndRefusesOneByteMore) {
  TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "a", "12345"));
  EXPECT_TRUE(read_file(dir / "a", 5));
  auto over = read_file(dir / "a", 4);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Errc::too_large);
}

TEST(File, ReadsFilesOfTheKernelThatClaimToBeEmpty) {
  auto read = read_file("/proc/self/stat");
  ASSERT_TRUE(read);
  EXPECT_GT(read->size(), 10u);
}

TEST(File, ReadAtStopsAtTheEnd) {
  TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "a", "012345"));
  auto fd = open_read(dir / "a");
  EXPECT_EQ(*read_at(fd->get(), 4, 10), "45");
  EXPECT_EQ(*read_at(fd->get(), 6, 10), "");
}

TEST(File, ReadIntoFillsWhatIsThereAndLeavesTheRest) {
  const TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "f", "012345"));
  const auto fd = open_read(dir / "f");
  ASSERT_TRUE(fd);
  std::string out = "abcdefgh";
  const auto bytes = std::as_writable_bytes(std::span{out});
  EXPECT_EQ(*read_into(fd->get(), 4, bytes), 2u);
  EXPECT_EQ(out, "45cdefgh");
  EXPECT_EQ(*read_into(fd->get(), 0, bytes.first(3)), 3u);
  EXPECT_EQ(out, "012defgh");
  EXPECT_EQ(*read_into(fd->get(), 6, bytes), 0u);
}

TEST(File, CreatingAnExistingFileIsRefused) {
  TempDir dir;
  ASSERT_TRUE(create_new(dir / "a"));
  auto again = create_new(dir / "a");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::already_exists);
}

TEST(File, PreallocatingReservesBlocks) {
  TempDir dir;
  auto fd = create_new(dir / "reserve");
  ASSERT_TRUE(preallocate(fd->get(), 1 << 20));
  EXPECT_EQ(*file_size(fd->get()), 1u << 20);
  struct stat info {};
  ASSERT_EQ(::fstat(fd->get(), &info), 0);
  EXPECT_GE(info.st_blocks * 512, 1 << 20);
}

TEST(File, PreallocatingMoreThanTheDiskHoldsIsDiskFullAndKeepsNothing) {
  TempDir dir;
  auto fd = create_new(dir / "reserve");
  auto space = disk_space(dir.path());
  ASSERT_TRUE(space);
  auto done = preallocate(fd->get(), space->total_bytes * 2);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::disk_full) << done.error().message;
  EXPECT_EQ(*file_size(fd->get()), 0u);
}

TEST(File, PreallocatingBeyondTheLimitOfTheProcessKeepsNothing) {
  TempDir dir;
  auto fd = create_new(dir / "reserve");
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 1 << 20, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto done = preallocate(fd->get(), 2 << 20);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::too_large) << done.error().message;
  EXPECT_EQ(*file_size(fd->get()), 0u);
}

TEST(File, DiskSpaceIsPlausible) {
  TempDir dir;
  auto space = disk_space(dir.path());
  ASSERT_TRUE(space);
  EXPECT_GT(space->total_bytes, 0u);
  EXPECT_LE(space->free_bytes, space->total_bytes);
  EXPECT_FALSE(space->read_only);
}

TEST(File, ACopyHasBytesOfItsOwn) {
  TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "a", "old"));
  ASSERT_TRUE(clone_file(dir / "a", dir / "b"));
  auto fd = open_append(dir / "b");
  ASSERT_TRUE(write_all(fd->get(), "+new"));
  EXPECT_EQ(*read_file(dir / "a"), "old");
  EXPECT_EQ(*read_file(dir / "b"), "old+new");
}

TEST(File, LinkingOntoAnExistingNameIsRefused) {
  TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "a", "a"));
  ASSERT_TRUE(write_file_atomically(dir / "b", "b"));
  auto linked = link_or_copy(dir / "a", dir / "b");
  ASSERT_FALSE(linked);
  EXPECT_EQ(linked.error().code, Errc::already_exists);
  EXPECT_EQ(*read_file(dir / "b"), "b");
}

TEST(File, MakesMissingParentsAndAcceptsAnExistingFolder) {
  TempDir dir;
  ASSERT_TRUE(make_dirs(dir / "x/y/z"));
  ASSERT_TRUE(make_dirs(dir / "x/y/z"));
  EXPECT_TRUE(std::filesystem::is_directory(dir / "x/y/z"));
}

TEST(File, SystemErrorsBecomeWhatTheCallerCanDo) {
  EXPECT_EQ(errno_error("w", ENOSPC).code, Errc::disk_full);
  EXPECT_EQ(errno_error("w", EROFS).code, Errc::read_only);
  EXPECT_EQ(errno_error("w", EIO).code, Errc::io_error);
  EXPECT_EQ(errno_error("w", EACCES).code, Errc::denied);
  EXPECT_EQ(errno_error("w", EMFILE).code, Errc::unavailable);
}

TEST(File, WritingToAFullDeviceIsDiskFull) {
  auto fd = open_append("/dev/full");
  ASSERT_TRUE(fd);
  auto written = write_all(fd->get(), "x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::disk_full);
}

TEST(File, WhatOthersMayUseIsNotPrivate) {
  TempDir dir;
  const auto key = dir / "key";
  ASSERT_TRUE(check_private(key, "key")) << "there is none";
  ASSERT_TRUE(write_file_atomically(key, "x"));
  ASSERT_TRUE(check_private(key, "key"));
  ASSERT_EQ(::chmod(key.c_str(), 0640), 0);
  const auto shared = check_private(key, "key");
  ASSERT_FALSE(shared);
  EXPECT_EQ(shared.error().code, Errc::denied);
  EXPECT_EQ(shared.error().message,
            key.string() +
                ": other users may use this key (its mode is 0640); type: "
                "chmod 600 '" +
                key.string() + "'");
  ASSERT_EQ(::chmod(dir.path().c_str(), 0701), 0);
  const auto folder = check_private(dir.path(), "folder");
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().message.find("chmod 700"), std::string::npos);
}

}  // namespace
}  // namespace troupe::platform
