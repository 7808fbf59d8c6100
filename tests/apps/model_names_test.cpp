#include "apps/model_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ModelNamesTest : public testing::Test {
 protected:
  void add(const std::string& name) {
    std::filesystem::create_directories(models / name);
    std::ofstream{models / name / "config.json"} << "{}";
  }

  platform::TempDir dir;
  std::filesystem::path models = dir / "models";
};

TEST_F(ModelNamesTest, AreTheFoldersThatHaveAConfiguration) {
  EXPECT_THAT(model_names(models), IsEmpty());
  add("small");
  add("large");
  std::filesystem::create_directories(models / "empty");
  EXPECT_THAT(model_names(models), ElementsAre("large", "small"));
}

TEST_F(ModelNamesTest, AMistypedOneIsAnsweredWithTheNearest) {
  add("demo-chat");
  add("other");
  EXPECT_EQ(model_fault(models, "demo-chat"), "");
  const auto fault = model_fault(models, "demo-chta");
  EXPECT_THAT(fault,
              HasSubstr("there is no model 'demo-chta' in " + models.string()));
  EXPECT_THAT(fault, HasSubstr("did you mean 'demo-chat'?"));
  EXPECT_THAT(fault, HasSubstr("known are demo-chat, other"));
}

TEST_F(ModelNamesTest, WithoutAnySaysWhereTheyBelong) {
  EXPECT_THAT(model_fault(models, "x"),
              HasSubstr("put a model's folder there"));
  EXPECT_THAT(model_fault(models, ""), HasSubstr("there is no model ''"));
}

TEST_F(ModelNamesTest, APathNamesAFolderElsewhere) {
  EXPECT_EQ(model_fault(models, dir.path().string()), "");
  EXPECT_EQ(model_fault(models, "/no/such/model"),
            "there is no folder /no/such/model");
}

}  // namespace
}  // namespace troupe
