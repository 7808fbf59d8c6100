#include "apps/model_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using testing::HasSubstr;

TEST(ModelPlaces, AreTheDataFolderAndWhatComesWithTheProgram) {
  const auto places = model_places("/data");
  ASSERT_EQ(places.folders.size(), 2u);
  EXPECT_EQ(places.folders[0], "/data/models");
  const auto program = std::filesystem::read_symlink("/proc/self/exe");
  EXPECT_EQ(places.folders[1],
            program.parent_path().parent_path() / "share/troupe/models");
}

TEST(NamedModel, IsANameOrAPathFromHere) {
  platform::TempDir dir;
  const auto folder = dir.path() / "models" / "demo-chat";
  std::filesystem::create_directories(folder);
  const ModelPlaces places{{dir.path() / "models"}};
  EXPECT_EQ(*named_model(places, "demo-chat"), folder);
  EXPECT_EQ(*named_model(places, folder.string() + "/../demo-chat"), folder);
  EXPECT_EQ(*named_model(places, "./tests"),
            std::filesystem::current_path() / "tests");
}

// Nobody opens it, so nobody waits for its writer.
TEST(NamedModel, ThatIsAFifoIsMisuse) {
  platform::TempDir dir;
  const auto fifo = dir.path() / "pipe";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  for (const auto& model : {fifo.string(), std::string("pipe")}) {
    const auto found = named_model({{dir.path()}}, model);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::invalid_argument);
    EXPECT_THAT(found.error().message,
                HasSubstr("there is no folder " + fifo.string()));
  }
}

TEST(NamedModel, ThatIsNotThereIsMisuse) {
  const ModelPlaces places{{"/nowhere"}};
  const auto fault = [&](const std::string& model) {
    const auto found = named_model(places, model);
    EXPECT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::invalid_argument);
    return found.error().message;
  };
  EXPECT_THAT(fault("demo"), HasSubstr("there is no model 'demo'"));
  EXPECT_EQ(fault("/no/such/model"),
            "there is no folder /no/such/model; to see the models here: troupe "
            "models list");
  EXPECT_THAT(fault("tests"), HasSubstr("the folder here is ./tests"));
  EXPECT_THAT(fault(""), HasSubstr("'' is no model"));
}

}  // namespace
}  // namespace troupe
