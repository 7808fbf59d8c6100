// From a folder to an engine through the contract that all families share.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/text_model.hpp"

namespace troupe {
namespace {

using ::testing::HasSubstr;

const ModelFamily& family() {
  for (const auto* family : model_families())
    if (family->name == "qwen2") return *family;
  ADD_FAILURE() << "qwen2 is not in the table";
  return *model_families().front();
}

class Qwen2FamilyTest : public ::testing::Test {
 protected:
  TextModelFolder folder_;
  Context ctx_;
};

TEST_F(Qwen2FamilyTest, ServesBothKindsOfText) {
  EXPECT_THAT(std::vector(family().kinds.begin(), family().kinds.end()),
              ::testing::ElementsAre("text.generate", "text.enhance"));
}

TEST_F(Qwen2FamilyTest, LoadsInStepsAndThenWrites) {
  auto loader = family().open(folder_.path(), {}, ctx_);
  ASSERT_TRUE(loader) << loader.error().message;
  std::uint64_t needs = 0;
  for (const auto& component : (*loader)->components())
    needs += component.bytes;
  EXPECT_GT(needs, 1u << 20);
  auto progress = (*loader)->step();
  ASSERT_TRUE(progress);
  while (!progress->done()) {
    progress = (*loader)->step();
    ASSERT_TRUE(progress);
  }
  const auto engine = (*loader)->take();
  ASSERT_TRUE(engine);
  const auto run = engine->admit(
      {"text.generate", R"({"prompt": "hello", "max_tokens": 2})"});
  ASSERT_TRUE(run) << run.error().message;
  std::string result;
  for (int i = 0; i < 10 && result.empty(); ++i)
    for (const auto& event : engine->step().events)
      if (const auto* end = std::get_if<Finished>(&event.what))
        result = end->result;
  EXPECT_THAT(result, HasSubstr("\"finish_reason\""));
}

TEST_F(Qwen2FamilyTest, MayBeAbandonedBeforeAnyStep) {
  auto loader = family().open(folder_.path(), {}, ctx_);
  ASSERT_TRUE(loader);
  loader->reset();
  EXPECT_TRUE(family().open(folder_.path(), {}, ctx_));
}

TEST_F(Qwen2FamilyTest, RefusesAFolderThatIsNoModel) {
  platform::TempDir empty;
  const auto loader = family().open(empty.path(), {}, ctx_);
  ASSERT_FALSE(loader);
  EXPECT_EQ(loader.error().code, Errc::not_found);
}

TEST_F(Qwen2FamilyTest, LoadsTheNumbersThatTheRequestAsksFor) {
  const auto bytes = [&](const std::string& params) {
    const auto setting = family().setting_of({"text.generate", params});
    const auto plan = family().plan(folder_.path(), setting, ctx_);
    EXPECT_TRUE(plan) << plan.error().message;
    return plan ? plan->front().bytes : 0;
  };
  const auto exact = bytes(R"({"dtype": "f32"})");
  EXPECT_EQ(bytes(R"({"dtype": "auto"})"), exact) << "as they are stored";
  EXPECT_EQ(bytes("{}"), exact);
  EXPECT_LT(bytes(R"({"dtype": "bf16"})"), exact * 0.55);
  EXPECT_LT(bytes(R"({"dtype": "int8"})"), exact * 0.32);
  EXPECT_LT(bytes(R"({"dtype": "int4"})"), bytes(R"({"dtype": "int8"})"));
}

TEST_F(Qwen2FamilyTest, RefusesNumbersItDoesNotKnow) {
  const auto loader = family().open(folder_.path(), "int3", ctx_);
  ASSERT_FALSE(loader);
  EXPECT_EQ(loader.error().code, Errc::invalid_argument);
  EXPECT_THAT(loader.error().message, HasSubstr("int4"));
}

TEST_F(Qwen2FamilyTest, AnswersAnEnhancementWithThePrompt) {
  TextBench bench{folder_};
  const auto result = bench.answer({{"prompt", "a cat"},
                                    {"style", "base"},
                                    {"max_tokens", 12},
                                    {"system", "Richer."}},
                                   "text.enhance");
  ASSERT_TRUE(result.contains("prompt"));
  EXPECT_THAT(result["text"].get<std::string>(),
              HasSubstr(result["prompt"].get<std::string>()));
  EXPECT_EQ(result["text"].get<std::string>().find('\n'), std::string::npos);
}

}  // namespace
}  // namespace troupe
