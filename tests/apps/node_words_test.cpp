// What the commands that work on a node's own folder refuse by themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/command_line.hpp"
#include "apps/store_mark.hpp"
#include "cluster/pki.hpp"
#include "codec/json.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

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
  /// The doctor's word on one thing: "VERDICT: TEXT".
  std::string finding(const std::string& what) {
    run({"doctor", "--json"});
    const auto json = parse_json(out.str());
    if (!json) return json.error().message;
    for (const auto& one : (*json)["findings"])
      if (one["what"] == what)
        return one["verdict"].get<std::string>() + ": " +
               one["text"].get<std::string>();
    return "nothing";
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
  EXPECT_THAT(err.str(), HasSubstr("only where there is none, begin with a"));
}

TEST_F(NodeWordsTest, TheDoctorMissesTheAuthoritysKey) {
  make_identity();
  EXPECT_EQ(finding("certificates"), "ok: valid");
  const auto key = data() / "tls/authority.key";
  for (const auto bytes : {std::filesystem::file_size(key) / 2, 0ul}) {
    std::filesystem::resize_file(key, bytes);
    EXPECT_THAT(finding("certificates"), StartsWith("bad: " + key.string()))
        << bytes;
  }
  lose("authority.key");
  EXPECT_THAT(finding("certificates"),
              StartsWith("bad: " + key.string() +
                         ": the file is missing; the node works without it, "
                         "but no client can be added; put back a copy of your "
                         "own"));
}

TEST_F(NodeWordsTest, TheDoctorSeesADiskThatTakesNoFile) {
  make_identity();
  std::ofstream(data() / "troupe.toml") << "[store]\nlow_water_bytes = 1\n";
  EXPECT_THAT(finding("disk"), StartsWith("ok: "));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit nothing{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &nothing), 0);
  const auto disk = finding("disk");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, handler);
  EXPECT_THAT(disk, StartsWith("bad: no file can be written, so no node "
                               "starts: " +
                               data().string() + "/new-"));
  EXPECT_THAT(disk, HasSubstr("File too large"));
  for (const auto& entry : std::filesystem::directory_iterator{data()})
    EXPECT_FALSE(entry.path().filename().string().starts_with("new-"))
        << "left behind";
}

TEST_F(NodeWordsTest, AClientsFolderThatIsBrokenIsMadeAnewByTheAdministrator) {
  make_identity();
  const auto to = dir / "ann";
  ASSERT_EQ(run({"clients", "add", "ann", "--to", to.string(), "--host",
                 "localhost", "--port", "5"}),
            ExitCode::ok);
  const auto kept = dir / "kept";
  std::filesystem::copy(to, kept, std::filesystem::copy_options::recursive);
  std::filesystem::remove_all(data());
  for (const std::string name :
       {"tls/authority.pem", "tls/admin.pem", "tls/admin.key", "node.json"})
    for (const bool missing : {true, false}) {
      std::filesystem::copy(kept, data(),
                            std::filesystem::copy_options::recursive);
      const auto file = data() / name;
      if (missing)
        std::filesystem::remove(file);
      else
        std::filesystem::resize_file(file, 4);
      EXPECT_EQ(run({"doctor"}), ExitCode::broken) << name << missing;
      EXPECT_THAT(out.str(),
                  HasSubstr("ask the administrator for a new folder, made on "
                            "the node's machine with: troupe clients add NAME "
                            "--to DIR"));
      EXPECT_THAT(out.str(), Not(HasSubstr("rm -r")));
      EXPECT_EQ(run({"jobs", "list"}), ExitCode::broken) << name << missing;
      EXPECT_THAT(err.str(), HasSubstr("ask the administrator"));
      EXPECT_THAT(err.str(), Not(HasSubstr("troupe node --data")));
      EXPECT_THAT(err.str(), Not(HasSubstr("restart the node")));
      std::filesystem::remove_all(data());
    }
}

TEST_F(NodeWordsTest, TheDoctorSeesThatAStoreOrItsFilesAreGone) {
  make_identity();
  EXPECT_THAT(finding("store"), StartsWith("note: there is none: "));
  const auto store = data() / "store/db";
  const auto files = data() / "artifacts/objects";
  std::filesystem::create_directories(store);
  std::filesystem::create_directories(files);
  ASSERT_TRUE(mark_store(data(), "the-id"));
  EXPECT_THAT(finding("store"), StartsWith("ok: "));
  for (const auto& gone : {store, files}) {
    // As where a volume is not mounted: the folder around it stays.
    std::filesystem::remove(gone);
    const auto found = finding("store");
    EXPECT_THAT(found, StartsWith("bad: " + gone.string() + " is missing"));
    EXPECT_THAT(found, HasSubstr("type: rm '" +
                                 store_mark_file(data()).string() + "'"));
    std::filesystem::create_directory(gone);
  }
  std::filesystem::remove(store);
  std::filesystem::remove(store_mark_file(data()));
  EXPECT_THAT(finding("store"), StartsWith("note: there is none: "));
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
