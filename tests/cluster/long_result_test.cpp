#include "cluster/long_result.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "codec/json.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe::cluster {
namespace {

// Remembers what it was given; refuses where told.
class Keeper : public ArtifactAccess {
 public:
  Result<ArtifactRef> save(const std::filesystem::path& file,
                           const std::string& name,
                           const std::string& media_type) override {
    if (full) return Error{Errc::disk_full, "no room"};
    std::ifstream in{file};
    std::ostringstream text;
    text << in.rdbuf();
    kept = text.str();
    return ArtifactRef{name, std::string(64, 'a'), kept.size(), media_type};
  }
  Status fetch(const std::string&, const std::filesystem::path&) override {
    return Error{Errc::not_found, "nothing is fetched here"};
  }
  void make_room() override {
    ++rooms;
    std::filesystem::remove(in_the_way);
  }
  bool full = false;
  int rooms = 0;
  std::filesystem::path in_the_way;
  std::string kept;
};

JobEnd ended(std::size_t bytes) {
  JobEnd end;
  end.result = dump_json({{"text", std::string(bytes, 'x')},
                          {"finish_reason", "length"},
                          {"usage", {{"prompt_tokens", 5}}}});
  return end;
}

TEST(LongResult, StaysInTheRecordUpToTheLimit) {
  platform::TempDir dir;
  Keeper keeper;
  auto end = ended(100);
  end.result.resize(kMaxResultBytes, ' ');
  const auto before = end.result;
  keep_long_result(end, keeper, dir / "scratch");
  EXPECT_EQ(end.result, before);
  EXPECT_TRUE(end.artifacts.empty());
}

TEST(LongResult, IsKeptOutOfWhatAFullDiskHoldsBack) {
  platform::TempDir dir;
  std::filesystem::create_directories(dir / "scratch");
  Keeper keeper;
  keeper.in_the_way = dir / "scratch" / kResultFile;
  std::filesystem::create_symlink("/dev/full", keeper.in_the_way);
  auto end = ended(kMaxResultBytes);
  const auto before = end.result;
  keep_long_result(end, keeper, dir / "scratch");
  EXPECT_EQ(keeper.rooms, 1);
  EXPECT_EQ(end.state, JobState::succeeded);
  EXPECT_EQ(keeper.kept, before);
  EXPECT_TRUE(std::filesystem::is_empty(dir / "scratch"));
}

TEST(LongResult, BecomesAFileThatTheRecordNames) {
  platform::TempDir dir;
  Keeper keeper;
  auto end = ended(kMaxResultBytes);
  const auto before = end.result;
  keep_long_result(end, keeper, dir / "scratch");
  EXPECT_EQ(keeper.kept, before);
  ASSERT_EQ(end.artifacts.size(), 1u);
  EXPECT_EQ(end.artifacts[0].name, "result.json");
  EXPECT_EQ(end.state, JobState::succeeded);
  const auto left = parse_json(end.result);
  EXPECT_EQ((*left)["whole"], "result.json");
  EXPECT_EQ((*left)["finish_reason"], "length");
  EXPECT_EQ((*left)["usage"]["prompt_tokens"], 5);
  EXPECT_FALSE(left->contains("text"));
  EXPECT_TRUE(std::filesystem::is_empty(dir / "scratch"));
}

TEST(LongResult, FailsTheAttemptWhereItCannotBeKept) {
  platform::TempDir dir;
  Keeper keeper;
  keeper.full = true;
  auto end = ended(kMaxResultBytes);
  keep_long_result(end, keeper, dir / "scratch");
  EXPECT_EQ(end.state, JobState::failed);
  EXPECT_EQ(end.failure->reason, "disk_full");
  EXPECT_TRUE(end.result.empty());
}

}  // namespace
}  // namespace troupe::cluster
