// The command line where no node runs: wrong words, no node, a folder that
// cannot be used.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/e2e/program.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The half of the MANIFEST that was synced and is gone.
void cut_manifest(const std::filesystem::path& db) {
  for (const auto& entry : std::filesystem::directory_iterator{db})
    if (entry.path().filename().string().starts_with("MANIFEST-"))
      std::filesystem::resize_file(entry, entry.file_size() / 2);
}

class NoNodeTest : public testing::Test {
 protected:
  Workplace place_;
};

TEST_F(NoNodeTest, WrongWordsAreAnsweredWithTheNearest) {
  const struct {
    Words args;
    const char* answer;
  } cases[] = {
      {{"sumbit"}, "did you mean 'submit'?"},
      {{"jobs", "lst"}, "did you mean 'list'?"},
      {{"submit", "echo", "--prioritty", "low"}, "did you mean '--priority'?"},
      {{"jobs", "list", "--state", "runing"}, "did you mean 'running'?"},
      {{"jobs"}, "list"},
      {{}, "submit"},
      {{"jobs", "show"}, "ID is missing"},
      {{"submit", "process.rnu"}, "did you mean 'process.run'?"},
      {{"submit", "echo", "--priority", "hihg"}, "did you mean 'high'?"},
      {{"jobs", "show", "12"}, "is no job id"},
      {{"jobs", "list", "--", "x"}, "takes nothing after '--'"},
      {{"node", "--set", "queue.max_job=1"}, "did you mean 'queue.max_jobs'?"},
  };
  for (const auto& one : cases) {
    const auto output = place_.troupe(one.args);
    EXPECT_EQ(output.code, 2) << output.err;
    EXPECT_THAT(output.err, HasSubstr(one.answer));
    EXPECT_EQ(output.out, "");
  }
}

TEST_F(NoNodeTest, AnUnknownKindIsAnsweredBeforeAnybodyIsAsked) {
  const auto output = place_.troupe({"submit", "process.rnu", "--json"});
  EXPECT_EQ(output.code, 2);
  EXPECT_THAT(output.err, HasSubstr("did you mean 'process.run'?"));
  EXPECT_EQ(output.json()["error"]["code"], "invalid_argument");
}

TEST_F(NoNodeTest, WithoutANodeSaysHowToStartOne) {
  for (const Words& args :
       {Words{"jobs", "list"}, Words{"submit", "echo", "-p", "text=a"},
        Words{"queue", "pause"}, Words{"console"}}) {
    const auto output = place_.troupe(args);
    EXPECT_EQ(output.code, 3) << output.err;
    EXPECT_THAT(output.err, HasSubstr("troupe node"));
  }
  EXPECT_FALSE(std::filesystem::exists(place_.data())) << "made by a question";
}

TEST_F(NoNodeTest, HelpOfAKindNamesItsParameters) {
  const auto output = place_.troupe({"submit", "process.run", "--help"});
  EXPECT_EQ(output.code, 0);
  EXPECT_THAT(output.out, HasSubstr("argv"));
  EXPECT_THAT(output.out, HasSubstr("--after"));
}

TEST_F(NoNodeTest, AMissingRegistryOfClientsStopsTheStart) {
  auto first = place_.node();
  first->signal(SIGTERM);
  ASSERT_EQ(first->finish().code, 0);
  const auto registry = place_.data() / "tls/clients.json";
  ASSERT_TRUE(std::filesystem::remove(registry));
  for (const Words& args : {Words{"node"}, Words{"clients", "list"}}) {
    const auto output = place_.start(args)->finish(3'000);
    EXPECT_EQ(output.code, 8) << output.out;
    EXPECT_THAT(output.err, HasSubstr(registry.string()));
    EXPECT_THAT(output.err, HasSubstr("type: rm -r '"));
  }
  const auto doctor = place_.troupe({"doctor"});
  EXPECT_EQ(doctor.code, 8);
  EXPECT_THAT(doctor.out, HasSubstr(registry.string()));
}

TEST_F(NoNodeTest, RunPassesOnWhyItsNodeDidNotStart) {
  ASSERT_EQ(place_.troupe({"run", "echo", "-p", "text=a"}).code, 0);
  cut_manifest(place_.data() / "store/db");
  const auto output = place_.troupe({"run", "echo", "-p", "text=a", "--json"});
  EXPECT_EQ(output.code, 8);
  const auto error = output.json()["error"];
  EXPECT_EQ(error["code"], "corrupt");
  const auto message = error["message"].get<std::string>();
  EXPECT_THAT(message, HasSubstr("is damaged at byte"));
  EXPECT_THAT(message, Not(HasSubstr("troupe: ")));
  EXPECT_THAT(message, Not(HasSubstr("\n")));
}

TEST_F(NoNodeTest, TheDoctorSeesAFolderInThePlaceOfALockFile) {
  ASSERT_EQ(place_.troupe({"run", "echo", "-p", "text=a"}).code, 0);
  EXPECT_EQ(place_.troupe({"doctor"}).code, 0);
  const auto lock = place_.data() / "lock";
  std::filesystem::remove(lock);
  std::filesystem::create_directory(lock);
  const auto doctor = place_.troupe({"doctor"});
  EXPECT_EQ(doctor.code, 8);
  EXPECT_THAT(doctor.out, HasSubstr(lock.string() + " is a folder, where a "
                                                    "node keeps a lock file"));
  const auto node = place_.start({"node"})->finish(3'000);
  EXPECT_EQ(node.code, 8);
  EXPECT_THAT(node.err, HasSubstr(lock.string() + " is a folder"));
}

TEST_F(NoNodeTest, TheDoctorSeesAStoreThatCannotBeOpened) {
  ASSERT_EQ(place_.troupe({"run", "echo", "-p", "text=a"}).code, 0);
  const auto well = place_.troupe({"doctor"});
  EXPECT_EQ(well.code, 0) << well.out;
  EXPECT_THAT(well.out, HasSubstr("store  "));
  cut_manifest(place_.data() / "store/db");
  const auto output = place_.troupe({"doctor"});
  EXPECT_EQ(output.code, 8);
  EXPECT_THAT(output.out, HasSubstr("is damaged at byte"));
}

TEST_F(NoNodeTest, RunPassesOnThatTheConfigurationIsWrong) {
  ASSERT_EQ(place_.troupe({"run", "echo", "-p", "text=a"}).code, 0);
  place_.write("data/troupe.toml", "[store]\nlow_water = 1\n");
  const auto output = place_.troupe({"run", "echo", "-p", "text=a", "--json"});
  EXPECT_EQ(output.code, 2) << output.err;
  EXPECT_EQ(output.json()["error"]["code"], "invalid_argument");
  EXPECT_THAT(output.err, HasSubstr("did you mean 'store.low_water_bytes'"));
}

TEST_F(NoNodeTest, AFolderThatOthersMayUseStopsTheStart) {
  std::filesystem::create_directory(place_.data());
  using std::filesystem::perms;
  std::filesystem::permissions(place_.data(), perms::all);
  for (const Words& args :
       {Words{"node"}, Words{"run", "echo", "-p", "text=a"}}) {
    const auto output = place_.start(args)->finish(3'000);
    EXPECT_EQ(output.code, 2) << output.out;
    EXPECT_THAT(output.err, HasSubstr("its mode is 0777"));
    EXPECT_THAT(output.err,
                HasSubstr("chmod 700 '" + place_.data().string() + "'"));
  }
  EXPECT_EQ(place_.troupe({"doctor"}).code, 8);
}

TEST_F(NoNodeTest, WhatNoNodeWouldTakeIsAnsweredBeforeAnybodyIsAsked) {
  place_.write("x", "bytes\n");
  const auto file = place_.path("x").string();
  const Words cases[] = {
      {"echo", "-p", "text=a", "--deadline", "+1s", "--not-before", "+5s"},
      {"echo", "-p", "text=a", "--timeout", "0"},
      {"process.run", "-i", "../x=" + file, "--", "true"},
      {"process.run"},
  };
  for (const auto& one : cases) {
    Words args{"submit"};
    args.insert(args.end(), one.begin(), one.end());
    const auto output = place_.troupe(args);
    EXPECT_EQ(output.code, 2) << output.err;
  }
}

TEST_F(NoNodeTest, OptionsBesideJobsFromStandardInputAreRefused) {
  const auto tagged = place_.troupe({"submit", "--json", "-", "-t", "x"},
                                    "{\"kind\":\"noop\"}");
  EXPECT_EQ(tagged.code, 2);
  EXPECT_THAT(tagged.err, testing::HasSubstr("'--tag' has no place"));
  EXPECT_EQ(place_.troupe({"submit", "--json", "-", "--", "true"}).code, 2);
}

TEST_F(NoNodeTest, AnAnswerThatCannotBeWrittenIsAnError) {
  const auto said = place_.path("said").string();
  const auto version = program().string() + " version";
  EXPECT_EQ(WEXITSTATUS(std::system(
                (version + " > /dev/full 2> '" + said + "'").c_str())),
            8);
  EXPECT_THAT(place_.read("said"),
              testing::HasSubstr("standard output could not be written"));
  EXPECT_EQ(WEXITSTATUS(std::system((version + " | true").c_str())), 0);
}

TEST_F(NoNodeTest, TheDoctorTakesTheNodesWordForItsSettings) {
  std::filesystem::create_directory(place_.data());
  std::filesystem::permissions(place_.data(),
                               std::filesystem::perms::owner_all);
  place_.write("data/troupe.toml", "[store]\nlow_water_bytes = \"64TiB\"\n");
  EXPECT_EQ(place_.troupe({"doctor"}).code, 8);
  auto node = place_.node({"--set", "store.low_water_bytes=1MiB"});
  const auto output = place_.troupe({"doctor"});
  EXPECT_EQ(output.code, 0) << output.out;
}

TEST_F(NoNodeTest, AFolderThatCannotBeMadeIsAClearError) {
  const auto output = place_.troupe({"node", "--data", "/proc/troupe"});
  EXPECT_EQ(output.code, 2);
  EXPECT_THAT(output.err, HasSubstr("/proc/troupe"));
  EXPECT_EQ(
      place_.troupe({"run", "echo", "-p", "text=a", "--data", "/proc/x"}).code,
      2);
}

TEST_F(NoNodeTest, AFileInPlaceOfTheFolderIsAClearError) {
  place_.write("data", "I am a file\n");
  const auto output = place_.troupe({"node"});
  EXPECT_EQ(output.code, 2);
  EXPECT_THAT(output.err, HasSubstr(place_.data().string()));
}

TEST_F(NoNodeTest, AWrongConfigurationIsNamedLineByLine) {
  std::filesystem::create_directory(place_.data());
  place_.write("data/troupe.toml", "[queue]\nmax_job = 1\n[node]\nport = -1\n");
  for (const Words& args : {Words{"config", "check"}, Words{"node"}}) {
    const auto output = place_.troupe(args);
    EXPECT_EQ(output.code, 2) << output.err;
    EXPECT_THAT(output.err, HasSubstr("troupe.toml:2"));
    EXPECT_THAT(output.err, HasSubstr("troupe.toml:4"));
  }
}

TEST_F(NoNodeTest, ConfigSaysWhereAValueComesFrom) {
  std::filesystem::create_directory(place_.data());
  place_.write("data/troupe.toml", "[queue]\nmax_jobs = 77\n");
  const auto json = place_.troupe({"config", "show", "--json"}).json();
  EXPECT_EQ(json["values"]["queue.max_jobs"]["value"], 77);
  EXPECT_THAT(json["values"]["queue.max_jobs"]["from"],
              HasSubstr("troupe.toml:2"));
  EXPECT_EQ(json["values"]["node.port"]["from"], "default");
}

TEST_F(NoNodeTest, ConfigSetWritesWhatConfigShows) {
  const auto set = place_.troupe({"config", "set", "queue.ageing_ms", "5m"});
  ASSERT_EQ(set.code, 0) << set.err;
  const auto json = place_.troupe({"config", "--json"}).json();
  EXPECT_EQ(json["values"]["queue.ageing_ms"]["value"], 300'000);
  const auto wrong = place_.troupe({"config", "set", "queue.max_job", "1"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean 'queue.max_jobs'?"));
  EXPECT_THAT(place_.troupe({"config"}).out, HasSubstr("queue.ageing_ms"));
  EXPECT_EQ(place_.read("data/troupe.toml"), "[queue]\nageing_ms = \"5m\"\n");
}

TEST_F(NoNodeTest, TheNumberOfSilenceEventsIsASetting) {
  auto node = place_.node({"--set", "event.quiet_notes=1"});
  const auto id =
      place_.submit({"process.run", "-p", "quiet_ms=100", "--", "sh", "-c",
                     "sleep 0.4; echo x; sleep 0.4; echo y; sleep 0.4"});
  ASSERT_TRUE(place_.reaches(id, "succeeded"));
  int notes = 0;
  for (const auto& event :
       place_.troupe({"jobs", "events", id, "--json"}).lines())
    notes += event["type"] == "noted";
  EXPECT_EQ(notes, 1);
}

TEST_F(NoNodeTest, LinesThatAFollowerMissedLeaveARemark) {
  auto node = place_.node({"--set", "event.live_events=10"});
  const auto id =
      place_.submit({"process.run", "--", "sh", "-c",
                     "i=0; while [ $i -lt 50 ]; do i=$((i+1)); echo line $i; "
                     "done; sleep 600"});
  ASSERT_TRUE(platform::eventually([&] {
    return place_.troupe({"jobs", "logs", id}).out.find("line 50\n") !=
           std::string::npos;
  }));
  const auto lines = place_.troupe({"jobs", "logs", id, "--json"}).lines();
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines[0]["stream"], "node");
  EXPECT_EQ(lines[0]["attempt"], 1);
  EXPECT_THAT(lines[0]["text"], HasSubstr("[... up to 4"));
  EXPECT_THAT(lines[0]["text"], HasSubstr(" lines not shown live;"));
  EXPECT_LE(lines.size(), 11u);
  EXPECT_EQ(lines.back()["text"], "line 50");
  EXPECT_EQ(place_.troupe({"jobs", "cancel", id}).code, 0);
}

TEST_F(NoNodeTest, VersionIsOneObject) {
  const auto json = place_.troupe({"version", "--json"}).json();
  EXPECT_FALSE(json["version"].get<std::string>().empty());
}

TEST_F(NoNodeTest, AnAddressOfAnotherMachineIsRefusedAtOnce) {
  // Of documentation only: nobody has it.
  auto node = place_.start({"node", "--listen", "192.0.2.1"});
  const auto output = node->finish(3'000);
  EXPECT_EQ(output.code, 2) << output.err;
  EXPECT_THAT(output.err,
              HasSubstr("cannot listen on 192.0.2.1:0: Cannot assign requested "
                        "address"));
  EXPECT_THAT(output.err, HasSubstr("troupe node --listen 127.0.0.1"));
}

TEST_F(NoNodeTest, APortThatIsTakenIsRefusedAtOnce) {
  const Workplace other;
  auto first = other.node();
  const auto address = parse_json(other.read("data/node.json"));
  ASSERT_TRUE(address);
  const auto port = std::to_string((*address)["port"].get<int>());
  auto second = place_.start({"node", "--port", port});
  const auto output = second->finish(3'000);
  EXPECT_EQ(output.code, 6) << output.err;
  EXPECT_THAT(output.err, HasSubstr("cannot listen on 127.0.0.1:" + port +
                                    ": Address already in use"));
  EXPECT_THAT(output.err, HasSubstr("--port 0"));
  first->signal(SIGTERM);
  EXPECT_EQ(first->finish().code, 0);
}

TEST_F(NoNodeTest, ANodeTakesThePortOfItsKilledFormerAgain) {
  auto first = place_.node();
  const auto address = parse_json(place_.read("data/node.json"));
  ASSERT_TRUE(address);
  const auto port = std::to_string((*address)["port"].get<int>());
  first->signal(SIGKILL);
  auto second = place_.node({"--port", port});  // At once.
  EXPECT_EQ(place_.troupe({"jobs", "list"}).code, 0);
  second->signal(SIGTERM);
  EXPECT_EQ(second->finish().code, 0);
}

TEST_F(NoNodeTest, AKeyThatOthersMayReadStopsTheStart) {
  auto first = place_.node();
  first->signal(SIGTERM);
  ASSERT_EQ(first->finish().code, 0);
  const auto key = place_.data() / "tls/authority.key";
  using std::filesystem::perms;
  std::filesystem::permissions(key, perms::owner_read | perms::group_read);
  const auto output = place_.start({"node"})->finish(3'000);
  EXPECT_GT(output.code, 0);
  EXPECT_THAT(output.err, HasSubstr("its mode is 0440"));
  EXPECT_THAT(output.err, HasSubstr("chmod 600 '" + key.string() + "'"));
}

}  // namespace
}  // namespace troupe::test
