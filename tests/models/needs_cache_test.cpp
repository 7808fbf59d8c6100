#include "models/needs_cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "models/describe.hpp"
#include "tests/models/text_model.hpp"

namespace troupe {
namespace {

using ::testing::HasSubstr;

class NeedsCacheTest : public ::testing::Test {
 protected:
  Result<ModelNeeds> ask(const std::string& name, std::string params = "{}",
                         std::string kind = "text.generate") {
    return cache.needs(name, {std::move(kind), std::move(params)});
  }
  std::uint64_t bytes(const std::string& name, std::string params = "{}") {
    const auto needs = ask(name, std::move(params));
    EXPECT_TRUE(needs) << needs.error().message;
    std::uint64_t sum = 0;
    if (needs)
      for (const auto& component : needs->components) sum += component.bytes;
    return sum;
  }

  platform::TempDir dir;
  int asked = 0;
  NeedsCache cache{{{dir.path() / "own", dir.path() / "shipped"}},
                   [this](const ModelPlaces& places, const std::string& name,
                          const Request& request, const Device& device) {
                     ++asked;
                     return model_needs(places, name, request, device);
                   }};
};

TEST_F(NeedsCacheTest, AsksOnceForAModelInOneSetting) {
  TextModelFolder folder{dir.path() / "own" / "tiny"};
  const auto first = bytes("tiny");
  EXPECT_GT(first, 4u * 1536 * 64) << "its embedding alone";
  EXPECT_EQ(bytes("tiny", R"({"temperature":1})"), first);
  EXPECT_EQ(asked, 1);
  const auto whole = ask("tiny", R"({"dtype":"int8"})");
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->setting, "int8");
  EXPECT_LT(bytes("tiny", R"({"dtype":"int8"})"), first);
  ASSERT_TRUE(ask("tiny", "{}", "text.enhance"));
  EXPECT_EQ(asked, 3) << "another setting, another kind";
}

TEST_F(NeedsCacheTest, AsksAgainWhenTheModelWasWritten) {
  TextModelFolder folder{dir.path() / "own" / "tiny"};
  const auto before = bytes("tiny");
  folder.tiny.config["max_position_embeddings"] = 64;
  folder.tiny.write(folder.path());
  const auto shorter = bytes("tiny");
  EXPECT_LT(shorter, before);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(bytes("tiny"), shorter);
  EXPECT_EQ(asked, 2);
}

TEST_F(NeedsCacheTest, AsksAgainWhenTheNameMeansAnotherFolder) {
  TextModelFolder shipped{dir.path() / "shipped" / "tiny"};
  const auto before = bytes("tiny");
  TextModelFolder own{dir.path() / "own" / "tiny"};
  own.tiny.config["max_position_embeddings"] = 64;
  own.tiny.write(own.path());
  EXPECT_LT(bytes("tiny"), before);
}

TEST_F(NeedsCacheTest, RemembersNoErrors) {
  EXPECT_EQ(ask("tiny").error().code, Errc::not_found);
  EXPECT_EQ(ask("tiny", "{}", "image.generate").error().code,
            Errc::unsupported);
  TextModelFolder folder{dir.path() / "own" / "tiny"};
  folder.add("config.json", "{");
  EXPECT_EQ(ask("tiny").error().code, Errc::corrupt);
  EXPECT_EQ(ask("tiny").error().code, Errc::corrupt);
  EXPECT_EQ(asked, 4);
}

class LimitsCacheTest : public ::testing::Test {
 protected:
  Result<RequestLimits> limits() {
    return cache.limits("tiny", "text.generate");
  }
  std::string refusal() {
    const auto found = limits();
    return found ? "" : found.error().message;
  }

  platform::TempDir dir;
  TextModelFolder folder{dir.path() / "tiny"};
  int looked = 0;
  NeedsCache cache{
      {{dir.path()}},
      model_needs,
      [this](const std::filesystem::path& at, const std::string& kind) {
        ++looked;
        return request_limits(at, kind);
      }};
};

TEST_F(LimitsCacheTest, LooksOnceAtAModelThatStaysAsItIs) {
  for (int i = 0; i < 3; ++i) {
    const auto found = limits();
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->sequence, 512);
    EXPECT_EQ(found->tokens, 1522);
    EXPECT_EQ(found->why_no_chat, "");
  }
  EXPECT_EQ(looked, 1);
  folder.add("chat_template.jinja", "{{ x }}");
  EXPECT_THAT(limits()->why_no_chat, HasSubstr("chat_template.jinja"));
  EXPECT_EQ(looked, 2);
}

TEST_F(LimitsCacheTest, RefusesWhatADeviceWouldRefuseAsTheModelsOwnCheckDoes) {
  const auto same = [&] {
    const auto why = refusal();
    EXPECT_EQ(describe_model(folder.path()).error().message, why);
    return why;
  };
  folder.tiny.config["num_hidden_layers"] = 2;
  folder.tiny.write(folder.path());
  EXPECT_THAT(same(), HasSubstr("model.layers.1"));
  folder.tiny.config["num_hidden_layers"] = 1;
  folder.tiny.config["tie_word_embeddings"] = false;
  folder.tiny.write(folder.path());
  EXPECT_THAT(same(), HasSubstr("lm_head.weight is missing"));
  folder.tiny.config["tie_word_embeddings"] = true;
  folder.tiny.write(folder.path());
  EXPECT_EQ(refusal(), "");
  std::filesystem::remove(folder.path() / "tokenizer.json");
  EXPECT_THAT(same(), HasSubstr("has no tokenizer.json"));
  folder.add("tokenizer.json", "{");
  EXPECT_THAT(same(), HasSubstr("tokenizer.json"));
}

TEST_F(LimitsCacheTest, ABrokenModelIsLookedAtOnceUntilItIsMended) {
  const auto good = read_text(folder.path() / "tokenizer.json");
  folder.add("tokenizer.json", "{");
  EXPECT_NE(refusal(), "");
  EXPECT_EQ(refusal(), refusal());
  EXPECT_EQ(looked, 1);
  folder.add("tokenizer.json", good);
  EXPECT_EQ(refusal(), "");
}

TEST(NeedsCache, AsksOnceForDevicesThatAreAlike) {
  platform::TempDir dir;
  std::filesystem::create_directory(dir.path() / "m");
  std::vector<Device> asked;
  NeedsCache cache{{{dir.path()}},
                   [&](const ModelPlaces&, const std::string&, const Request&,
                       const Device& device) -> Result<ModelNeeds> {
                     asked.push_back(device);
                     return ModelNeeds{};
                   }};
  const auto ask = [&](const Device& device) {
    EXPECT_TRUE(cache.needs("m", {"text.generate", "{}"}, device));
  };
  ask({});
  ask({.backend = Backend::cuda, .ordinal = 0, .sm = 90});
  ask({.backend = Backend::cuda, .ordinal = 1, .sm = 90});
  ask({.backend = Backend::cuda, .ordinal = 2, .sm = 80});
  ask({});
  ASSERT_EQ(asked.size(), 3u);
  EXPECT_EQ(asked[0].backend, Backend::cpu);
  EXPECT_EQ(asked[1].sm, 90);
  EXPECT_EQ(asked[2].sm, 80);
}

TEST(NeedsCache, ForgetsTheModelThatWasNotAskedForLongest) {
  platform::TempDir dir;
  std::map<std::string, int> asked;
  NeedsCache cache{{{dir.path()}},
                   [&](const ModelPlaces&, const std::string& name,
                       const Request&, const Device&) -> Result<ModelNeeds> {
                     ++asked[name];
                     return ModelNeeds{};
                   }};
  const auto ask = [&](const std::string& name) {
    std::filesystem::create_directory(dir.path() / name);
    EXPECT_TRUE(cache.needs(name, {"text.generate", "{}"}));
  };
  ask("first");
  ask("second");
  for (std::size_t i = 2; i < NeedsCache::kMaxEntries; ++i)
    ask(std::to_string(i));
  ask("first");
  EXPECT_EQ(asked["first"], 1) << "all of them fit";
  ask("one more");
  ask("first");
  EXPECT_EQ(asked["first"], 1) << "it was asked for lately";
  ask("second");
  EXPECT_EQ(asked["second"], 2);
}

}  // namespace
}  // namespace troupe
