#include "apps/model_facts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kGibibyte = 1ull << 30;

ModelDescription taking(std::uint64_t bytes) {
  ModelDescription description;
  description.components = {{"weights", bytes}};
  return description;
}

ModelFacts facts() {
  ModelFacts facts;
  facts.folder = "/data/models/demo";
  facts.description.family = "qwen2";
  facts.description.parameters = 494'032'768;
  facts.description.components = {{"weights", 2 * kGibibyte},
                                  {"kv", kGibibyte}};
  facts.devices = {{"cpu", 8 * kGibibyte}, {"gpu0", 3 * kGibibyte - 1}};
  return facts;
}

TEST(ModelFacts, SayWhereAModelFits) {
  const std::vector<DeviceRoom> rooms{{"cpu", 2 * kGibibyte},
                                      {"gpu0", 4 * kGibibyte}};
  EXPECT_EQ(fits_text(taking(kGibibyte), rooms), "cpu, gpu0");
  EXPECT_EQ(fits_text(taking(2 * kGibibyte), rooms), "cpu, gpu0");
  EXPECT_EQ(fits_text(taking(2 * kGibibyte + 1), rooms), "gpu0");
  EXPECT_EQ(fits_text(taking(5 * kGibibyte), rooms),
            "nowhere: cpu has 2.0 GiB, gpu0 has 4.0 GiB");
  EXPECT_EQ(fits_text(taking(1), {}), "nowhere");
}

TEST(ModelFacts, SayInWhichNumbersAModelFitsWhereItsOwnAreTooMany) {
  auto one = facts();
  one.description.smaller = {{"int8", 3 * kGibibyte - 1}, {"int4", kGibibyte}};
  EXPECT_EQ(fits_text(one.description, one.devices), "cpu, gpu0 as int8");
  EXPECT_EQ(fits_text(one.description, {{"cpu", kGibibyte}}), "cpu as int4");
  EXPECT_EQ(fits_text(one.description, {{"cpu", kGibibyte - 1}}),
            "nowhere: cpu has 1.0 GiB");
  const auto devices = model_json(one)["devices"];
  EXPECT_FALSE(devices[0].contains("fits_as"));
  EXPECT_EQ(devices[1]["fits"], false);
  EXPECT_EQ(devices[1]["fits_as"], "int8");
}

TEST(ModelFacts, CountInWordsOfThousands) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1'000), "1.0 k");
  EXPECT_EQ(count_text(494'032'768), "494 M");
  EXPECT_EQ(count_text(7'615'616'512), "7.6 B");
}

TEST(ModelFacts, AreJsonForScripts) {
  auto one = facts();
  auto json = model_json(one);
  EXPECT_EQ(json["memory_bytes"], 3 * kGibibyte);
  EXPECT_EQ(json["components"][1]["name"], "kv");
  EXPECT_EQ(json["devices"][0]["fits"], true);
  EXPECT_EQ(json["devices"][1]["device"], "gpu0");
  EXPECT_EQ(json["devices"][1]["fits"], false);
  EXPECT_FALSE(json.contains("hash"));
  one.hash = "ab12";
  EXPECT_EQ(model_json(one)["hash"], "ab12");
}

TEST(ModelFacts, AreLinesForPeople) {
  auto one = facts();
  one.description.why_no_chat = "no \x1b template";
  const auto text = model_text(one);
  EXPECT_THAT(text, HasSubstr("494032768"));
  EXPECT_THAT(text, HasSubstr("memory, weights"));
  EXPECT_THAT(text, HasSubstr("cpu"));
  EXPECT_THAT(text, Not(HasSubstr("gpu0")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("hash")));
}

}  // namespace
}  // namespace troupe
