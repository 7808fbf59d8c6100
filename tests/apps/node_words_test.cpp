// What the commands that work on a node's own folder refuse by themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/command_line.hpp"
#include "cluster/pki.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using testing::HasSubstr;
using testing::Not;

class NodeWordsTest : public testing::Test {
 protected:
  ExitCode run(std::vector<std::string> words) {
    out.str("");
    err.str("");
    Session session{{out, err}};
    session.data_flag = data().string();
    return run_command_line(words, session);
  }
  std::filesystem::path data() const { return dir / "data"; }
  /// As after the first start of a node.
  void make_identity() {
    std::filesystem::create_directories(data());
    std::filesystem::permissions(data(), std::filesystem::perms::owner_all);
    ASSERT_TRUE(
        cluster::ensure_identity(data(), "here", system_wall_clock().now()));
  }
  void lose(const std::string& name) {
    ASSERT_TRUE(std::filesystem::remove(data() / "tls" / name));
  }

  platform::TempDir dir;
  std::ostringstream out, err;
};

TEST_F(NodeWordsTest, AnAddressThatIsNoneIsRefusedBeforeAnythingIsMade) {
  EXPECT_EQ(run({"node", "--listen", "nonsense host"}), ExitCode::usage);
  EXPECT_THAT(err.str(), HasSubstr("--listen: 'nonsense host' is no address; "
                                   "allowed: an IP address such as"));
  EXPECT_EQ(run({"node", "--set", "node.listen=nonsense host"}),
            ExitCode::usage);
  EXPECT_EQ(run({"config", "set", "node.listen", "nonsense host"}),
            ExitCode::usage);
  EXPECT_FALSE(std::filesystem::exists(data()));
}

TEST_F(NodeWordsTest, ALostFileOfTheIdentityIsNotTakenForTheFirstStart) {
  for (const auto* name : {"node.pem", "authority.pem"}) {
    make_identity();
    lose(name);
    EXPECT_EQ(run({"doctor"}), ExitCode::broken) << name;
    EXPECT_THAT(out.str(), HasSubstr(std::string(name) +
                                     ": the file is missing; put back a copy"));
    EXPECT_THAT(out.str(), Not(HasSubstr("first start")));
    std::filesystem::remove_all(data());
  }
}

TEST_F(NodeWordsTest, WithoutItsAuthoritysKeyNoClientCanBeAdded) {
  EXPECT_EQ(run({"clients", "add", "ann"}), ExitCode::not_found);
  make_identity();
  lose("authority.key");
  EXPECT_EQ(run({"clients", "add", "ann"}), ExitCode::broken);
  EXPECT_THAT(err.str(), HasSubstr("authority.key: the file is missing"));
}

TEST_F(NodeWordsTest, AHostForAClientIsNoPortAndNoNonsense) {
  make_identity();
  const auto to = (dir / "ann").string();
  EXPECT_EQ(run({"clients", "add", "ann", "--to", to, "--port", "5", "--host",
                 "localhost:99"}),
            ExitCode::usage);
  EXPECT_THAT(err.str(), HasSubstr("'localhost:99' has a port in it"));
  EXPECT_THAT(err.str(), HasSubstr("type: --host localhost --port 99"));
  EXPECT_EQ(run({"clients", "add", "ann", "--to", to, "--port", "5", "--host",
                 "nonsense host"}),
            ExitCode::usage);
  EXPECT_FALSE(std::filesystem::exists(to));
  EXPECT_EQ(run({"clients", "add", "ann", "--to", to, "--port", "5", "--host",
                 "render-1.example.org"}),
            ExitCode::ok)
      << err.str();
}

TEST_F(NodeWordsTest, AClientSaysWhyItsNodeIsNotReached) {
  make_identity();
  const auto say = [&](const std::string& host, const std::string& port) {
    std::ofstream(data() / "node.json")
        << R"({"host":")" << host << R"(","port":)" << port << "}";
    EXPECT_EQ(run({"jobs", "list"}), ExitCode::no_node);
    EXPECT_THAT(err.str(), Not(HasSubstr("caf")));
    return err.str();
  };
  EXPECT_THAT(say("localhost:99", "5"),
              HasSubstr("no node answers on localhost:99:5: 'localhost:99' has "
                        "a port in it; "));
  EXPECT_THAT(say("nobody.invalid", "5"), HasSubstr("nobody.invalid"));
}

}  // namespace
}  // namespace troupe
