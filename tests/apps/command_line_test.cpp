// How the words of a command line are understood, without a node.
#include "apps/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "apps/commands/commands.hpp"
#include "apps/local_files.hpp"
#include "codec/json.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

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

TEST_F(CommandLineTest, AGroupOfCommandsAsksWhichOneInJsonToo) {
  const std::pair<const char*, const char*> groups[] = {
      {"jobs", "explain"},
      {"queue", "drain"},
      {"clients", "remove"},
      {"artifacts", "put"},
  };
  for (const auto& [group, one_of_them] : groups) {
    EXPECT_EQ(run({group}), ExitCode::usage);
    EXPECT_THAT(err.str(), HasSubstr("which one? "));
    EXPECT_EQ(run({group, "--json"}), ExitCode::usage);
    EXPECT_EQ(error()["code"], "invalid_argument");
    EXPECT_THAT(error()["message"], HasSubstr("which one? "));
    EXPECT_THAT(error()["message"], HasSubstr(one_of_them));
  }
}

TEST_F(CommandLineTest, TheCommonOptionsMayStandBeforeTheLastWord) {
  const auto elsewhere = (dir / "elsewhere").string();
  EXPECT_EQ(run({"jobs", "--json", "--data", elsewhere, "list"}),
            ExitCode::no_node);
  EXPECT_THAT(error()["message"], HasSubstr(elsewhere));
}

TEST_F(CommandLineTest, AFileIsNotFetchedToALinkThatLeadsToItself) {
  std::filesystem::create_symlink("circle", dir / "circle");
  EXPECT_EQ(run({"artifacts", "get", std::string(64, '0'), "-o",
                 (dir / "circle").string(), "--json"}),
            ExitCode::usage);
  EXPECT_THAT(error()["message"], HasSubstr("leads to itself"));
}

TEST_F(CommandLineTest, AFileIsNotFetchedIntoAFolderThatIsNotThere) {
  const auto folder = dir / "films";
  const auto advice = "mkdir -p '" + folder.string() + "'";
  for (const auto& to : {folder / "x", folder / ""}) {
    EXPECT_EQ(
        run({"artifacts", "get", std::string(64, '0'), "-o", to, "--json"}),
        ExitCode::usage);
    EXPECT_THAT(error()["message"], HasSubstr(folder.string()));
    EXPECT_THAT(error()["message"], HasSubstr("does not exist; make it"));
  }
  EXPECT_THAT(folder_fault(folder), HasSubstr(advice));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST_F(CommandLineTest, WrongOptionsBeforeTheCommandAreAnsweredToo) {
  EXPECT_EQ(run({"--jsn", "jobs", "list"}), ExitCode::usage);
  EXPECT_THAT(err.str(), HasSubstr("troupe: unknown option '--jsn'; did you "
                                   "mean '--json'?"));
  EXPECT_EQ(run({"--dta", "x", "version"}), ExitCode::usage);
  EXPECT_THAT(err.str(), HasSubstr("did you mean '--data'?"));
  EXPECT_EQ(run({"jobs", "--jsn", "list"}), ExitCode::usage);
  EXPECT_THAT(err.str(), HasSubstr("troupe jobs: unknown option '--jsn'"));
  EXPECT_EQ(run({"--limit", "3", "jobs", "list"}), ExitCode::usage);
  EXPECT_THAT(err.str(),
              HasSubstr("'--limit' stands behind 'troupe jobs list'"));
}

TEST_F(CommandLineTest, AMomentThatIsNoneIsAnsweredInItsOwnForm) {
  EXPECT_EQ(run({"jobs", "list", "--since", "yesterday"}), ExitCode::usage);
  EXPECT_THAT(err.str(), HasSubstr("write it like 2h (two hours ago)"));
}

TEST_F(CommandLineTest, NothingOfTheParserShowsThrough) {
  const struct {
    std::vector<std::string> words;
    const char* answer;
  } cases[] = {
      {{"jobs", "show"}, "troupe jobs show: ID is missing"},
      {{"jobs", "list", "--limit"}, "--limit needs a value: N"},
      {{"jobs", "list", "--limit", "0"},
       "--limit: '0' is no whole number from 1 to"},
      {{"jobs", "list", "-n", "-1"}, "--limit: '-1' is no whole number"},
      {{"jobs", "list", "--limit", "ten"}, "--limit: 'ten' is no whole number"},
      {{"jobs", "list", "--all=maybe"}, "--all takes no value"},
      {{"submit", "echo", "--retries", "-1"}, "--retries: '-1' is no whole"},
      {{"node", "--port", "70000"},
       "--port: '70000' is no whole number from 0"},
      {{"jobs", "events", "x", "--from", "0"}, "--from: '0' is no whole"},
      {{"config", "set", "queue.max_jobs"}, "VALUE is missing"},
      {{"artifacts", "put"}, "FILE is missing"},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(run(one.words), ExitCode::usage) << one.answer;
    EXPECT_THAT(err.str(), HasSubstr(one.answer));
    EXPECT_THAT(out.str(), IsEmpty());
  }
}

// No case may reach a node or start one, should one of the two be taken.
TEST_F(CommandLineTest, AnOptionWithOneValueIsGivenOnce) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"version", "--data", "a", "--data", "b"}, "--data"},
      {{"--data", "a", "--data", "b", "version"}, "--data"},
      {{"--data", "a", "version", "--data", "b"}, "--data"},
      {{"jobs", "--data", "a", "list", "--data", "b"}, "--data"},
      {{"jobs", "list", "--limit", "1", "--limit", "2"}, "--limit"},
      {{"jobs", "list", "-n", "1", "--limit=1"}, "--limit"},
      {{"submit", "echo", "--priority", "low", "--priority", "high"},
       "--priority"},
  };
  for (const auto& [words, name] : cases) {
    EXPECT_EQ(run(words), ExitCode::usage) << testing::PrintToString(words);
    EXPECT_THAT(err.str(), HasSubstr(std::string(": ") + name +
                                     " is given twice; keep one of them"));
  }
  EXPECT_EQ(run({"submit", "echo", "-p", "text=a", "--tag", "a", "--tag", "b",
                 "--json", "--json"}),
            ExitCode::no_node);
}

TEST_F(CommandLineTest, AHashNeedsNoName) {
  EXPECT_EQ(run({"artifacts", "get", std::string(64, '0'), "name", "-o",
                 (dir / "x").string()}),
            ExitCode::usage);
  EXPECT_THAT(err.str(), HasSubstr("a SHA-256 needs no name"));
}

TEST_F(CommandLineTest, ABackupIsNotTakenIntoAFolderThatIsNotThere) {
  for (const auto& to : {dir / "nodir" / "x", dir / "nodir" / "x" / ""}) {
    EXPECT_EQ(run({"backup", to.string()}), ExitCode::usage);
    EXPECT_THAT(err.str(), HasSubstr((dir / "nodir").string() +
                                     "' does not exist; make it"));
  }
  EXPECT_EQ(run({"backup", (dir / "x").string()}), ExitCode::no_node);
}

TEST_F(CommandLineTest, WhatItCanJudgeItselfIsMisuse) {
  const std::vector<std::vector<std::string>> cases{
      {"submit", "process.rnu"},
      {"submit", "echo", "--priority", "hihg"},
      {"submit", "echo", "--timeout", "abc"},
      {"submit", "echo", "--input", "a=/no/such/file"},
      {"submit", "process.run", "--progress", "ffmepg", "--", "true"},
      {"run", "process.rnu"},
      {"jobs", "list", "--kind", "ecoh"},
      {"jobs", "list", "--since", "soon"},
      {"jobs", "events", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--live"},
      {"jobs", "wait", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--timeout", "abc"},
      {"queue", "pause", "--kind", "ecoh"},
      {"queue", "pause", "--kind", "echo", "--device", "cpu"},
      {"artifacts", "get", "123"},
      {"artifacts", "get", std::string(64, '0'), "-o", "-"},
      {"artifacts", "put", "/"},
      {"artifacts", "put", "/no/such/file"},
      {"node", "--data", "/proc/troupe"},
      {"node", "--set", "queue.max_job=1"},
      {"config", "set", "queue.max_jobs", "many"},
      {"chat", "--model", "no-such-model"},
      {"chat", "--model", "/", "-p", "prompt=hi"},
      {"chat", "--model", "/", "--temperature", "hot"},
      {"chat", "--model", "/", "--max-tokens", "0"},
  };
  for (auto words : cases) {
    words.insert(words.begin(), "--json");
    EXPECT_EQ(run(words), ExitCode::usage) << testing::PrintToString(words);
    EXPECT_EQ(error()["code"], "invalid_argument") << out.str();
  }
}

// No case may reach a node or start one, should its value be taken for none.
TEST_F(CommandLineTest, AnEmptyValueIsNotTakenForNone) {
  const std::string hash(64, '0');
  const struct {
    std::vector<std::string> words;
    const char* answer;
  } cases[] = {
      {{"--data", "", "jobs", "list"}, "--data is empty; type --data DIR or"},
      {{"jobs", "--data=", "list"}, "--data is empty"},
      {{"jobs", "list", "--data="}, "--data is empty"},
      {{"run", "echo", "--data", ""}, "--data is empty"},
      {{"run", "echo", "--save", ""}, "--save is empty"},
      {{"run", ""}, "KIND is empty; type one or leave it out"},
      {{"submit", "echo", "-p", "text=a", "--device", ""}, "--device is empty"},
      {{"submit", "echo", "--params="},
       "--params is empty; type --params JSON"},
      {{"clients", "add", "ann", "--to", ""}, "--to is empty; type --to DIR"},
      {{"clients", "add", ""}, "NAME is empty; type one\n"},
      {{"clients", "remove", ""}, "NAME is empty"},
      {{"jobs", "list", "--tag", ""}, "--tag is empty; type --tag TAG or"},
      {{"jobs", "list", "--state", ""}, "--state is empty"},
      {{"jobs", "show", ""}, "ID is empty"},
      {{"jobs", "wait", "x", "--timeout", ""}, "--timeout is empty"},
      {{"artifacts", "get", hash, "-o", ""},
       "--output is empty; type --output"},
      {{"artifacts", "get", hash, ""}, "NAME is empty; type one or leave it"},
      {{"artifacts", "put", "f", "--name", ""}, "--name is empty"},
      {{"queue", "pause", "--kind", ""}, "--kind is empty"},
      {{"node", "--listen", "", "--set", "x=1"}, "--listen is empty"},
      {{"node", "--set", "", "--name=", "--set", "x=1"}, "--name is empty"},
      {{"backup", ""}, "DIR is empty; type one\n"},
      {{"config", "set", "", "1"}, "NAME is empty"},
      {{"version", "--data="}, "--data is empty"},
      {{"jobs", "list", "--kind", "", "--tag="}, "--kind is empty"},
  };
  for (const auto& [words, answer] : cases) {
    EXPECT_EQ(run(words), ExitCode::usage) << testing::PrintToString(words);
    EXPECT_THAT(err.str(), HasSubstr(answer));
  }
  EXPECT_THAT(err.str(), HasSubstr("(and 1 more)\n  --tag is empty"));
}

TEST_F(CommandLineTest, AnEmptyValueIsTakenWhereItMeansSomething) {
  EXPECT_EQ(run({"config", "set", "node.name", "", "--json"}), ExitCode::ok)
      << err.str();
  EXPECT_EQ(run({"submit", "process.run", "--env", "A=", "--", "cat", ""}),
            ExitCode::no_node)
      << err.str();
  EXPECT_EQ(run({"submit", "echo", "-p", "text="}), ExitCode::no_node)
      << err.str();
}

TEST_F(CommandLineTest, AnEmptyPieceOfAJobIsJudgedWithTheJob) {
  for (auto option : {"--tag", "--param", "--input", "--from", "--after",
                      "--output", "--progress", "--env"})
    EXPECT_EQ(run({"submit", "process.run", option, "", "--", "true"}),
              ExitCode::usage)
        << option;
}

TEST_F(CommandLineTest, TheFirstFaultIsToldOnce) {
  run({"submit", "echo", "--priority", "hihg", "--timeout", "abc"});
  const auto text = err.str();
  const auto first = text.find("'abc'");
  ASSERT_NE(first, text.npos);
  EXPECT_EQ(text.find("'abc'", first + 1), text.npos) << text;
  EXPECT_THAT(text, HasSubstr("(and 2 more)\n"));
  EXPECT_THAT(text, HasSubstr("\n  --priority: 'hihg'"));
  EXPECT_THAT(text, HasSubstr("\n  params.text: is required"));
}

TEST_F(CommandLineTest, HelpShowsTheWholeCommand) {
  run({"submit", "--help"});
  EXPECT_THAT(out.str(), HasSubstr("Usage: troupe submit [OPTIONS] [KIND] "
                                   "[-- ARGV...]\n"));
  run({"jobs", "cancel", "--help"});
  EXPECT_THAT(out.str(), HasSubstr("Usage: troupe jobs cancel [OPTIONS] "
                                   "ID...\n"));
  run({"help", "jobs"});
  EXPECT_THAT(out.str(), HasSubstr("Usage: troupe jobs [OPTIONS] COMMAND\n"));
}

TEST_F(CommandLineTest, HelpIsAnObjectWhereJsonIsAsked) {
  EXPECT_EQ(run({"jobs", "--help", "--json"}), ExitCode::ok);
  EXPECT_THAT(parse_json(out.str())->at("help"), HasSubstr("Usage:"));
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

TEST_F(CommandLineTest, TheConsoleLeavesItsLinesToNoChat) {
  in_console = true;
  EXPECT_EQ(run({"chat", "--model", "/"}), ExitCode::usage);
  EXPECT_THAT(err.str(), HasSubstr("call it from a shell"));
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

TEST(ErrorText, TellsEachFaultOnceAndAllOfThem) {
  const std::vector<Fault> faults{{"a", "is 1"}, {"b", "is 2"}, {"c", "is 3"}};
  EXPECT_EQ(
      error_text({Errc::corrupt, "x.json: a is 1; b is 2; c is 3", faults}),
      "troupe: x.json: a is 1; b is 2; c is 3\n");
  EXPECT_EQ(
      error_text({Errc::corrupt, "x: tensor a is 1 (and 2 more)", faults}),
      "troupe: x: tensor a is 1 (and 2 more)\n  b: is 2\n  c: is 3\n");
  EXPECT_EQ(error_text({Errc::corrupt,
                        "a is missing",
                        {{"a", "is missing"}, {"b", "is missing"}}}),
            "troupe: a is missing\n  b: is missing\n");
}

}  // namespace
}  // namespace troupe
