// What a node leaves on the disk, and who may read it.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

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

TEST(DataFolder, WhatKilledProcessesLeftHalfWrittenIsRemovedAtTheNextStart) {
  const Workplace place;
  auto first = place.node();
  first->signal(SIGTERM);
  EXPECT_EQ(first->finish().code, 0);
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours{2};
  const std::vector<std::string> folders{
      "", "tls", "tls/clients", "store", "store/db", "artifacts/uploads"};
  for (const auto& folder : folders) {
    const auto left = "data/" + folder + "/new-1234567890.tmp";
    place.write(left, "half");
    fs::last_write_time(place.path(left), old);
  }
  place.write("data/new-5.tmp", "of a process that may live");
  auto node = place.node();
  for (const auto& folder : folders)
    EXPECT_FALSE(fs::exists(place.data() / folder / "new-1234567890.tmp"))
        << folder;
  EXPECT_TRUE(fs::exists(place.data() / "new-5.tmp"));
  node->signal(SIGTERM);
  EXPECT_EQ(node->finish().code, 0);
}

void stop(Process& node) {
  node.signal(SIGTERM);
  EXPECT_EQ(node.finish().code, 0);
}

TEST(DataFolder, ANodeThatCannotServeYetSaysWhyAndCanBeStopped) {
  const Workplace place;
  auto node = place.node();
  EXPECT_EQ(node->said().find("does not run"), std::string::npos)
      << "each child finds those it needs: " << node->said();
  stop(*node);
  const auto in_the_way = place.data() / "node.json";
  ASSERT_TRUE(fs::create_directory(in_the_way));
  node = place.start({"node"});
  EXPECT_TRUE(eventually([&] {
    return node->said().find(in_the_way.string()) != std::string::npos;
  })) << node->said();
  node->signal(SIGTERM);
  EXPECT_EQ(node->finish(10'000).code, 0);
}

TEST(DataFolder, WithoutItsStoreOrFilesNoNodeStartsUntilToldTo) {
  for (const std::string part : {"store", "artifacts"}) {
    const Workplace place;
    auto node = place.node();
    const auto id = place.submit({"noop"});
    EXPECT_TRUE(place.reaches(id, "succeeded"));
    stop(*node);
    fs::rename(place.data() / part, place.path("elsewhere"));
    for (const Words& args : {Words{"node"}, Words{"run", "noop"}}) {
      const auto refused = place.start(args)->finish(10'000);
      EXPECT_EQ(refused.code, 8) << refused.out;
      EXPECT_NE(refused.err.find((place.data() / part).string()),
                refused.err.npos)
          << refused.err;
    }
    EXPECT_EQ(place.troupe({"doctor"}).code, 8);
    const auto mark = place.data() / "store.id";
    // What it says to type.
    ASSERT_TRUE(fs::remove(mark));
    node = place.node();
    EXPECT_TRUE(fs::exists(mark));
    EXPECT_EQ(place.state(id), part == "store" ? "not_found" : "succeeded");
    EXPECT_EQ(node->said().find("an empty history begins") != std::string::npos,
              part == "store")
        << node->said();
    stop(*node);
    EXPECT_EQ(place.troupe({"doctor"}).code, 0);
  }
}

TEST(DataFolder, ABackupPutBackIntoItIsTaken) {
  const Workplace place;
  auto node = place.node();
  const auto id = place.submit({"noop"});
  EXPECT_TRUE(place.reaches(id, "succeeded"));
  const auto copy = place.path("copy");
  ASSERT_EQ(place.troupe({"backup", copy.string()}).code, 0);
  stop(*node);
  EXPECT_FALSE(fs::exists(copy / "store.id"));
  const auto before = place.read("data/store.id");
  for (const std::string part : {"store", "artifacts"}) {
    fs::rename(place.data() / part, place.path("old-" + part));
    fs::rename(copy / part, place.data() / part);
  }
  node = place.node();
  EXPECT_EQ(place.state(id), "succeeded");
  EXPECT_NE(place.read("data/store.id"), before) << "a copy has its own id";
  stop(*node);
}

}  // namespace
}  // namespace troupe::test
