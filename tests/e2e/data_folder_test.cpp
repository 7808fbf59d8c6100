// What a node leaves on the disk, and who may read it.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/e2e/program.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::test {
namespace {

using platform::eventually;

namespace fs = std::filesystem;

unsigned mode(const fs::path& path) {
  struct stat info {};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777u;
}

TEST(DataFolder, IsReadableByItsOwnerOnlyWhateverTheUmask) {
  const auto before = ::umask(0022);
  const Workplace place;
  const auto node = place.node();
  const auto id =
      place.submit({"process.run", "--output", "out", "--", "sh", "-c",
                    "umask; echo x > out; echo y > other; stat -c %a other"});
  EXPECT_TRUE(place.reaches(id, "succeeded"));
  const auto log = place.troupe({"jobs", "logs", id});
  EXPECT_NE(log.out.find("0022"), log.out.npos) << log.out;
  EXPECT_NE(log.out.find("644"), log.out.npos) << log.out;
  const auto running = place.submit({"process.run", "--", "sleep", "600"});
  EXPECT_TRUE(place.reaches(running, "running"));
  ::umask(before);
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator{place.data()}) {
    EXPECT_EQ(mode(entry.path()), entry.is_directory() ? 0700u : 0600u)
        << entry.path();
    files += entry.is_directory() ? 0 : 1;
  }
  EXPECT_GT(files, 10);
  EXPECT_EQ(place.troupe({"jobs", "cancel", running}).code, 0);
  node->signal(SIGTERM);
  EXPECT_EQ(node->finish().code, 0);
}

TEST(DataFolder, HoldsNoLogOfAJobThatHasFailed) {
  const Workplace place;
  auto node = place.node();
  const auto id =
      place.submit({"process.run", "--", "sh", "-c", "echo precious; exit 3"});
  EXPECT_TRUE(place.reaches(id, "failed"));
  const auto logs = place.data() / "process" / "logs";
  ASSERT_TRUE(fs::exists(logs));
  EXPECT_TRUE(eventually([&] { return fs::is_empty(logs); }));
  node->signal(SIGTERM);
  EXPECT_EQ(node->finish().code, 0);
  // A job that nobody knows: its node was killed before it could clean up.
  fs::create_directory(logs / id);
  fs::create_directory(logs / "0000000000ABCDEFGHJKMNPQRS");
  node = place.node();
  EXPECT_TRUE(fs::is_empty(logs));
  EXPECT_NE(place.troupe({"jobs", "logs", id}).out.find("precious"),
            std::string::npos);
  node->signal(SIGTERM);
  EXPECT_EQ(node->finish().code, 0);
}

}  // namespace
}  // namespace troupe::test
