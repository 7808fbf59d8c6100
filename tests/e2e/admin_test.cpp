// What an administrator types: the queue, clients, backups, the console.
#include <algorithm>

#include "tests/e2e/cli_fixture.hpp"

namespace troupe::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class AdminTest : public CliTest {};

TEST_F(AdminTest, APausedQueueExplainsWhyAJobWaits) {
  ASSERT_EQ(troupe({"queue", "pause"}).code, 0);
  const auto id = place_->submit({"echo", "-p", "text=a"});
  const auto explained = troupe({"jobs", "explain", id, "--json"}).json();
  EXPECT_EQ(explained["state"], "queued");
  EXPECT_THAT(dump_json(explained["sentences"]), HasSubstr("paused"));
  EXPECT_EQ(troupe({"queue", "resume", "--json"}).json()["paused"], false);
  EXPECT_TRUE(place_->reaches(id, "succeeded"));
}

TEST_F(AdminTest, ADrainingQueueCanBeSeenUntilItResumes) {
  ASSERT_EQ(troupe({"queue", "drain"}).code, 0);
  const auto json = troupe({"queue", "show", "--json"}).json();
  const auto text = troupe({"queue", "show"}).out;
  const auto refused = troupe({"submit", "echo", "-p", "text=a"});
  ASSERT_EQ(troupe({"queue", "resume"}).code, 0);
  EXPECT_EQ(json["queue"]["draining"], true);
  EXPECT_THAT(json["accepting"], HasSubstr("draining"));
  EXPECT_THAT(text, HasSubstr("draining; "));
  EXPECT_EQ(refused.code, 6);
  EXPECT_EQ(troupe({"queue", "drain", "--kind", "noop", "--json"})
                .json()["draining_kinds"],
            Json::array({"noop"}));
  EXPECT_EQ(troupe({"queue", "resume", "--kind", "noop", "--json"})
                .json()["accepting"],
            "yes");
}

TEST_F(AdminTest, ADeviceThatDoesNotExistIsAnsweredWithTheNearest) {
  for (const Words& args :
       {Words{"submit", "echo", "-p", "text=a", "--device", "cqu"},
        Words{"queue", "pause", "--device", "cqu"}}) {
    const auto output = troupe(args);
    EXPECT_EQ(output.code, 5) << output.err;
    EXPECT_THAT(output.err,
                HasSubstr("device 'cqu' is unknown; did you mean 'cpu'?"));
  }
}

TEST_F(AdminTest, ASecondNodeOnTheFolderIsRefused) {
  const auto second = troupe({"node"});
  EXPECT_EQ(second.code, 9) << second.err;
  EXPECT_THAT(second.err,
              HasSubstr("in use by process " + std::to_string(node_->pid())));
}

TEST_F(AdminTest, TheConsoleTakesTheSameCommands) {
  const auto output = troupe({"console"},
                             "# a remark\n"
                             "submit echo -p 'text=a b' --json\n"
                             "jobs sohw\n"
                             "queue show\nexit\nconfig path\n");
  EXPECT_THAT(output.out, HasSubstr("\"state\":\"queued\""));
  EXPECT_THAT(output.out, HasSubstr("accepting: yes"));
  EXPECT_THAT(output.out, Not(HasSubstr("troupe.toml")));
  EXPECT_THAT(output.err, HasSubstr("did you mean 'show'"));
  EXPECT_EQ(output.code, 2);
}

TEST_F(AdminTest, AConsoleInJsonAnswersEveryLineWithObjects) {
  const auto output = troupe({"console", "--json"},
                             "submit echo -p text=a\n"
                             "jobs sohw\n"
                             "submit echo -p 'open\n"
                             "queue show\nhelp\n");
  const auto lines = output.lines();
  ASSERT_EQ(lines.size(), 5u) << output.out;
  EXPECT_EQ(lines[0]["state"], "queued");
  EXPECT_EQ(lines[1]["error"]["code"], "invalid_argument");
  EXPECT_EQ(lines[2]["error"]["code"], "invalid_argument");
  EXPECT_EQ(lines[3]["accepting"], "yes");
  EXPECT_THAT(lines[4]["help"], HasSubstr("submit"));
}

TEST_F(AdminTest, TheDoctorFindsNothingWrong) {
  const auto output = troupe({"doctor", "--json"});
  EXPECT_EQ(output.code, 0) << output.out;
  EXPECT_EQ(output.json()["ok"], true);
}

TEST_F(AdminTest, ABackupIsTakenLiveAndStartsByItself) {
  const auto id = place_->submit(
      {"process.run", "--output", "o", "--", "sh", "-c", "echo kept > o"});
  ASSERT_TRUE(place_->reaches(id, "succeeded"));
  const auto copy = place_->path("copy").string();
  const auto taken = troupe({"backup", copy});
  ASSERT_EQ(taken.code, 0) << taken.err;
  place_->write("file", "");
  EXPECT_EQ(troupe({"backup", place_->path("file").string()}).code, 2);
  const auto full = troupe({"backup", place_->path("").string()});
  EXPECT_EQ(full.code, 5) << "it must not write among other files";
  EXPECT_THAT(full.err, HasSubstr("not empty"));
  const auto inside = place_->data() / "copy";
  const auto refused = troupe({"backup", inside.string()});
  EXPECT_EQ(refused.code, 5);
  EXPECT_THAT(refused.err, HasSubstr("lies in the data folder itself"));
  EXPECT_FALSE(std::filesystem::exists(inside));
  auto node = place_->start({"node", "--data", copy});
  ASSERT_TRUE(node->read_line()) << node->finish(1'000).err;
  const auto got =
      troupe({"artifacts", "get", id, "o", "-o", "-", "--data", copy});
  EXPECT_EQ(got.out, "kept\n") << got.err;
  node->signal(SIGTERM);
  EXPECT_EQ(node->finish().code, 0);
}

TEST_F(AdminTest, ClientsAreMadeListedAndRemoved) {
  const auto made = troupe({"clients", "add", "ann", "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(troupe({"clients", "list"}).out, HasSubstr("ann"));
  EXPECT_EQ(troupe({"clients", "remove", "ann"}).code, 0);
  EXPECT_EQ(troupe({"clients", "remove", "ann"}).code, 4);
  EXPECT_EQ(troupe({"clients", "add", "ann"}).code, 0);
  EXPECT_EQ(troupe({"clients", "remove", "ann"}).code, 0);
}

TEST_F(AdminTest, AClientElsewhereWorksInTheFolderMadeForIt) {
  const auto folder = place_->path("ann").string();
  const auto made = troupe({"clients", "add", "ann", "--to", folder, "--host",
                            "127.0.0.1", "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  const auto id =
      troupe({"submit", "echo", "-p", "text=hi", "--json", "--data", folder})
          .json()["id"]
          .get<std::string>();
  EXPECT_EQ(troupe({"jobs", "wait", id, "--data", folder}).code, 0);
  EXPECT_EQ(show(id)["submitted_by"], "ann");
  EXPECT_EQ(troupe({"doctor", "--data", folder}).code, 0);
  // She is no administrator, and her folder is no node's.
  EXPECT_EQ(troupe({"queue", "pause", "--data", folder}).code, 5);
  for (const Words& args :
       {Words{"node"}, Words{"clients", "list"}, Words{"clients", "add", "b"},
        Words{"config", "set", "queue.max_jobs", "7"}}) {
    auto there = args;
    there.insert(there.end(), {"--data", folder});
    const auto refused = troupe(there);
    EXPECT_EQ(refused.code, 2) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("is the folder of a client"));
  }
  EXPECT_FALSE(std::filesystem::exists(place_->path("ann/troupe.toml")));
}

TEST_F(AdminTest, AFolderForElsewhereNeedsAnAddressThatIsReachedFromThere) {
  const auto folder = place_->path("bob").string();
  const auto refused = troupe({"clients", "add", "bob", "--to", folder});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("nobody elsewhere reaches 127.0.0.1"));
  const Words add{"clients", "add", "bob", "--to", folder, "--host", "h"};
  EXPECT_EQ(troupe(add).code, 0) << "the name was taken by the refused one";
  EXPECT_EQ(troupe(add).code, 2) << "the folder is there";
}

TEST_F(AdminTest, TheFoldersOwnClientCannotBeRemoved) {
  const auto refused = troupe({"clients", "remove", "admin"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("this folder's own client"));
  EXPECT_EQ(troupe({"jobs", "list"}).code, 0);
}

TEST_F(AdminTest, AClientsNameThatIsNoneIsRefusedWithTheReason) {
  const auto refused = troupe({"clients", "add", "../x"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.err, HasSubstr("letters, digits, '-', '_' or '.'"));
}

}  // namespace
}  // namespace troupe::test
