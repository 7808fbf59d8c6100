#include "config/load.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "config/option_table.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

std::string error_of(const Result<LoadedConfig>& loaded) {
  return loaded ? "" : loaded.error().message;
}

TEST(LoadConfigTest, AnEmptyFileGivesTheDefaults) {
  auto loaded = parse_config("", "troupe.toml");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.queue.max_jobs, Config{}.queue.max_jobs);
  EXPECT_TRUE(loaded->origins.empty());
}

TEST(LoadConfigTest, ReadsValuesAndRemembersWhereTheyStood) {
  auto loaded = parse_config(
      "[queue]\nmax_jobs = 10\nageing_ms = \"5m\"\n[node]\nname = \"a\"\n",
      "troupe.toml");
  ASSERT_TRUE(loaded) << error_of(loaded);
  EXPECT_EQ(loaded->config.queue.max_jobs, 10);
  EXPECT_EQ(loaded->config.queue.ageing_ms, 300'000);
  EXPECT_EQ(loaded->config.node.name, "a");
  EXPECT_EQ(loaded->origins.at("queue.ageing_ms"), "troupe.toml:3");
}

TEST(LoadConfigTest, AnOverrideWinsOverTheFile) {
  auto loaded = parse_config("[queue]\nmax_jobs = 10\n", "troupe.toml",
                             {"queue.max_jobs=20"});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.queue.max_jobs, 20);
  EXPECT_EQ(loaded->origins.at("queue.max_jobs"), "--set");
}

TEST(LoadConfigTest, AnUnknownKeyIsRefusedWithTheNearestAndTheList) {
  auto message =
      error_of(parse_config("[queue]\nmax_job = 10\n", "troupe.toml"));
  EXPECT_NE(message.find("troupe.toml:2: 'queue.max_job' is unknown; did you "
                         "mean 'queue.max_jobs'?"),
            message.npos)
      << message;
  EXPECT_NE(message.find("queue.ageing_ms"), message.npos) << message;
}

TEST(LoadConfigTest, AnUnknownSectionIsRefusedWithTheSections) {
  auto message = error_of(parse_config("[zzzzzz]\nkey = 10\n", "troupe.toml"));
  EXPECT_NE(message.find("sections are node, queue"), message.npos) << message;
}

TEST(LoadConfigTest, NamesEverythingThatIsWrongAtOnce) {
  auto loaded = parse_config(
      "top = 1\n[node]\nport = 70000\nlisten = 3.5\n[log]\nlevel = \"loud\"\n",
      "troupe.toml", {"bad"});
  ASSERT_FALSE(loaded);
  std::vector<std::string> paths;
  for (const auto& fault : loaded.error().faults) paths.push_back(fault.path);
  std::sort(paths.begin(), paths.end());
  EXPECT_EQ(paths,
            (std::vector<std::string>{"--set", "troupe.toml:1", "troupe.toml:3",
                                      "troupe.toml:4", "troupe.toml:6"}));
}

TEST(LoadConfigTest, AnUnknownSectionOrKeyIsAnsweredWithTheNearest) {
  const struct {
    const char* text;
    const char* answer;
  } cases[] = {
      {"[quue]\n", "did you mean 'queue'?"},
      {"[quue]\nmax_jobs = 1\n", "did you mean 'queue.max_jobs'?"},
      {"[evnts]\nzzzzzzzzz = 1\n", "sections are node"},
      {"[queue]\nmax_job = 1\n", "did you mean 'queue.max_jobs'?"},
      {"ageing_ms = 1\n", "did you mean 'queue.ageing_ms'?"},
      {"max_jobs = 1\n",
       "did you mean 'queue.max_jobs' or 'retention.max_jobs'?"},
  };
  for (const auto& one : cases) {
    const auto message = error_of(parse_config(one.text, "troupe.toml"));
    EXPECT_NE(message.find(one.answer), message.npos)
        << one.text << " was answered " << message;
  }
}

TEST(LoadConfigTest, SaysWhereTheFileIsNoToml) {
  auto message = error_of(parse_config("[queue\n", "troupe.toml"));
  EXPECT_NE(message.find("troupe.toml:1: is no TOML"), message.npos) << message;
}

TEST(LoadConfigTest, RefusesALeaseThatOneHeartbeatEnds) {
  auto message = error_of(parse_config(
      "[lease]\nduration_ms = 1000\nheartbeat_ms = 900\n", "troupe.toml"));
  EXPECT_NE(message.find("at least twice lease.heartbeat_ms"), message.npos);
}

TEST(LoadConfigTest, AMissingFileIsNoError) {
  auto loaded = load_config("/nonexistent/troupe-data");
  ASSERT_TRUE(loaded) << error_of(loaded);
  EXPECT_FALSE(loaded->file_exists);
}

TEST(OptionTableTest, EveryOptionTakesItsLimitsAndRefusesOneBeyond) {
  for (const auto& row : option_table()) {
    if (row.unit == OptionUnit::text) continue;
    Config config;
    auto set = [&](std::int64_t value) {
      return static_cast<bool>(
          set_option(config, row.name, std::to_string(value)));
    };
    EXPECT_TRUE(set(row.min)) << row.name;
    EXPECT_TRUE(set(row.max)) << row.name;
    EXPECT_EQ(row.number(config), row.max) << row.name;
    EXPECT_FALSE(set(row.min - 1)) << row.name;
    EXPECT_FALSE(set(row.max + 1)) << row.name;
  }
}

TEST(OptionTableTest, EveryDefaultIsAllowedAndWrittenAsItIsRead) {
  const Config defaults;
  Config read;
  for (const auto& row : option_table()) {
    auto text = option_text(row, defaults);
    auto set = set_option(read, row.name, text);
    EXPECT_TRUE(set) << row.name << " = " << text;
    EXPECT_EQ(option_text(row, read), text);
  }
  EXPECT_TRUE(check_config(defaults).empty());
}

TEST(OptionTableTest, EveryOptionHasAPlaceOfItsOwn) {
  Config config;
  std::set<const void*> places;
  std::set<std::string_view> names;
  for (const auto& row : option_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    const void* place = row.number
                            ? static_cast<const void*>(&row.number(config))
                            : &row.text(config);
    EXPECT_TRUE(places.insert(place).second) << row.name;
  }
  // All members are whole numbers or texts: none is without a row.
  std::size_t bytes = 0;
  for (const auto& row : option_table())
    bytes += row.number ? sizeof(std::int64_t) : sizeof(std::string);
  EXPECT_EQ(bytes, sizeof(Config));
}

TEST(LoadConfigTest, AFolderInPlaceOfTheFileIsNamed) {
  const platform::TempDir data;
  std::filesystem::create_directory(data.path() / kConfigFile);
  const auto loaded = load_config(data.path());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::invalid_argument);
  EXPECT_NE(loaded.error().message.find("is a folder"), std::string::npos)
      << loaded.error().message;
}

}  // namespace
}  // namespace troupe
