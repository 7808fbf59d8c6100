// How the words of a command line are understood, without a node.
#include "apps/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "apps/commands/commands.hpp"
#include "codec/json.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class CommandLineTest : public testing::Test {
 protected:
  ExitCode run(std::vector<std::string> words) {
    out.str("");
    err.str("");
    Session session{{out, err}};
    session.data_flag = (dir / "data").string();
    session.in_console = in_console;
    return run_command_line(words, session);
  }
  Json error() { return parse_json(out.str())->at("error"); }

  platform::TempDir dir;
  bool in_console = false;
  std::ostringstream out, err;
};

TEST_F(CommandLineTest, VersionAndHelpAreAnswers) {
  EXPECT_EQ(run({"--version"}), ExitCode::ok);
  EXPECT_THAT(out.str(), HasSubstr("troupe "));
  EXPECT_EQ(run({"--help"}), ExitCode::ok);
  EXPECT_THAT(out.str(), HasSubstr("submit"));
  EXPECT_EQ(run({"jobs", "list", "--help"}), ExitCode::ok);
  EXPECT_THAT(out.str(), HasSubstr("--state"));
  EXPECT_THAT(err.str(), IsEmpty());
}

TEST_F(CommandLineTest, AMistypedWordNamesTheCommandItStoodIn) {
  EXPECT_EQ(run({"jobs", "lsit"}), ExitCode::usage);
  EXPECT_THAT(err.str(), HasSubstr("troupe jobs: unknown command 'lsit'"));
  EXPECT_THAT(err.str(), HasSubstr("did you mean 'list'"));
  EXPECT_THAT(err.str(), HasSubstr("See 'troupe jobs --help'."));
}

TEST_F(CommandLineTest, EveryCommandExplainsItself) {
  for (const auto& command : command_table()) {
    EXPECT_EQ(run({std::string(command.name), "--help"}), ExitCode::ok);
    EXPECT_THAT(out.str(), HasSubstr("--help")) << command.name;
  }
}

TEST_F(CommandLineTest, MisuseIsAnObjectWhereJsonIsAsked) {
  EXPECT_EQ(run({"jobs", "show", "--json", "12"}), ExitCode::usage);
  EXPECT_EQ(error()["code"], "invalid_argument");
  EXPECT_EQ(run({"jobs", "lsit", "--json"}), ExitCode::usage);
  EXPECT_EQ(error()["code"], "invalid_argument");
  EXPECT_EQ(run({"sumbit", "--json"}), ExitCode::usage);
  EXPECT_EQ(error()["code"], "invalid_argument");
  EXPECT_EQ(run({"jobs", "list", "--json", "--stat", "x"}), ExitCode::usage);
  EXPECT_THAT(error()["message"], HasSubstr("--state"));
}

TEST_F(CommandLineTest, WordsBehindTheMarkAreOnlyForThoseWhoTakeThem) {
  EXPECT_EQ(run({"jobs", "list", "--", "x"}), ExitCode::usage);
  EXPECT_THAT(err.str(), HasSubstr("takes nothing after '--'"));
}

TEST_F(CommandLineTest, WithoutANodeItSaysSoWithItsCode) {
  EXPECT_EQ(run({"jobs", "list", "--json"}), ExitCode::no_node);
  EXPECT_EQ(error()["code"], "unavailable");
  EXPECT_THAT(err.str(), HasSubstr("troupe node"));
}

TEST_F(CommandLineTest, TheConsoleHasTheVerbsOfTheCommandLine) {
  in_console = true;
  for (const auto& command : command_table()) {
    run({std::string(command.name), "--nonsense"});
    const bool is_there =
        err.str().find("unknown command") == std::string::npos;
    EXPECT_EQ(is_there, command.in_console) << command.name;
  }
  std::vector<std::string> left_out;
  for (const auto& command : command_table())
    if (!command.in_console) left_out.emplace_back(command.name);
  EXPECT_THAT(left_out, testing::UnorderedElementsAre("node", "console"));
}

}  // namespace
}  // namespace troupe
