#include "models/model_places.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/model.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

class ModelPlacesTest : public testing::Test {
 protected:
  fs::path add(const std::string& place, const std::string& name) const {
    fs::create_directories(dir.path() / place / name);
    return dir.path() / place / name;
  }
  std::string fault(const std::string& name) const {
    const auto found = find_model(places, name);
    EXPECT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::not_found);
    return found.error().message;
  }

  platform::TempDir dir;
  const ModelPlaces places{{dir.path() / "own", dir.path() / "shipped"}};
};

TEST_F(ModelPlacesTest, TheFirstThatHasANameDecides) {
  const auto shipped = add("shipped", "demo-chat");
  EXPECT_EQ(*find_model(places, "demo-chat"), shipped);
  const auto own = add("own", "demo-chat");
  EXPECT_EQ(*find_model(places, "demo-chat"), own);
  EXPECT_EQ(*model_folder(places, "demo-chat"), own);
}

TEST_F(ModelPlacesTest, AWholePathIsAFolderElsewhere) {
  EXPECT_EQ(*find_model(places, dir.path().string()), dir.path());
  EXPECT_EQ(*model_folder(places, "/elsewhere/x"), "/elsewhere/x");
  EXPECT_EQ(fault("/elsewhere/x"),
            "there is no folder /elsewhere/x; to see the models here: troupe "
            "models list");
}

TEST_F(ModelPlacesTest, NothingElseIsAName) {
  for (const auto* name : {"", ".", "..", "../x", "a/b", "./a", ".hidden"})
    for (const auto& found :
         {model_folder(places, name), find_model(places, name)})
      EXPECT_EQ(found.error().code, Errc::invalid_argument) << name;
}

TEST_F(ModelPlacesTest, AMistypedNameIsAnsweredWithTheNearest) {
  EXPECT_THAT(fault("x"), HasSubstr("troupe models add FOLDER"));
  add("shipped", "demo-chat");
  add("own", "other");
  add("own", ".adding");
  const auto text = fault("demo-chta");
  EXPECT_THAT(text, HasSubstr("there is no model 'demo-chta' in " +
                              (dir.path() / "own").string() + " or " +
                              (dir.path() / "shipped").string()));
  EXPECT_THAT(text, HasSubstr("did you mean 'demo-chat'?"));
  EXPECT_THAT(text, HasSubstr("known are demo-chat, other;"));
}

TEST_F(ModelPlacesTest, ALinkThatLeadsNowhereHidesNothing) {
  add("shipped", "demo-chat");
  add("own", "other");
  fs::create_symlink("/gone", dir.path() / "own" / "demo-chat");
  EXPECT_THAT(fault("demo-chat"), HasSubstr("is a link to /gone"));
  EXPECT_THAT(fault("demo-chat"), HasSubstr("troupe models remove demo-chat"));
}

TEST_F(ModelPlacesTest, AllAreListedAndWhatIsHiddenSaysSo) {
  add("shipped", "demo-chat");
  add("own", "demo-chat");
  add("own", "another");
  add("own", ".adding");
  fs::create_symlink("/gone", dir.path() / "own" / "linked");
  std::string all;
  for (const auto& model : list_models(places))
    all +=
        model.name + std::to_string(model.place) + (model.hidden ? "- " : " ");
  EXPECT_EQ(all, "another0 demo-chat0 demo-chat1- linked0 ");
  EXPECT_TRUE(list_models({{"/nowhere"}}).empty());
}

TEST_F(ModelPlacesTest, WhatAModelTakesIsAskedOfTheSameFolder) {
  const auto unknown = model_needs(places, "x", {"text.generate", "{}"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, fault("x"));
  add("shipped", "x");
  EXPECT_THAT(model_needs(places, "x", {"text.generate", "{}"}).error().message,
              HasSubstr("shipped/x has no config.json"));
}

}  // namespace
}  // namespace troupe
