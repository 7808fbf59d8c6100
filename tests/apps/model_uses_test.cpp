#include "apps/model_uses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using testing::SizeIs;

class ModelUsesTest : public testing::Test {
 protected:
  ModelUsesTest() { std::filesystem::create_directory(dir / "m"); }
  static Gpu gpu(std::uint32_t ordinal, std::string klass) {
    Gpu one{.ordinal = ordinal, .sm = 90};
    one.info.klass = std::move(klass);
    return one;
  }
  Result<ModelUse> use(const std::vector<Gpu>& gpus,
                       std::string params = R"({"dtype":"int8"})") {
    JobSpec spec;
    spec.kind = "text.generate";
    spec.model = "m";
    spec.params = std::move(params);
    return model_use(cache, gpus, spec);
  }

  platform::TempDir dir;
  bool on_cpu = true;
  bool on_gpu = true;
  NeedsCache cache{
      {{dir.path()}},
      [this](const ModelPlaces&, const std::string&, const Request&,
             const Device& device) -> Result<ModelNeeds> {
        const bool cpu = device.backend == Backend::cpu;
        if (cpu ? !on_cpu : !on_gpu)
          return Error{Errc::unsupported, cpu ? "not on CPUs" : "not on GPUs"};
        return ModelNeeds{
            "int8", {{"weights", cpu ? 10u : 7u}, {"kv", 1}}, cpu ? 4u : 8u};
      },
      [](const std::filesystem::path&,
         const std::string&) -> Result<RequestLimits> {
        return RequestLimits{.sequence = 64, .pages = 64, .tokens = 100};
      }};
};

TEST_F(ModelUsesTest, EachClassOfGpusStandsOnceAndTheRestCountAsTheCpu) {
  const auto all =
      use({gpu(0, "h200-140gb"), gpu(1, "h200-140gb"), gpu(2, "l4-24gb")});
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->model, "m int8");
  EXPECT_EQ(all->other.bytes(), 11u);
  ASSERT_THAT(all->classes, SizeIs(2));
  EXPECT_EQ(all->on("h200-140gb").bytes(), 8u);
  EXPECT_EQ(all->on("h200-140gb").parts[0].model, "m int8");
  EXPECT_EQ(all->on("of another node").bytes(), 11u);
  EXPECT_EQ(all->on("l4-24gb").batch, 8u);
  EXPECT_EQ(all->on("of another node").batch, 4u);
}

TEST_F(ModelUsesTest, WhatTheModelCannotDoIsNamedByItsPath) {
  const auto none =
      use({gpu(0, "l4-24gb")}, R"({"max_tokens":64,"logit_bias":{"100":1}})");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::invalid_argument);
  ASSERT_THAT(none.error().faults, SizeIs(2));
  EXPECT_EQ(none.error().faults[0].path, "params.max_tokens");
  EXPECT_EQ(none.error().faults[1].path, "params.logit_bias.100");
}

TEST_F(ModelUsesTest, ANodeThatIsNotAskedSaysTheSameOfAModel) {
  JobSpec spec;
  spec.kind = "text.generate";
  spec.model = "m";
  const auto faults = model_faults({{dir.path()}}, spec);
  ASSERT_THAT(faults, SizeIs(1));
  EXPECT_EQ(faults[0].path, "model");
  EXPECT_THAT(faults[0].message, testing::HasSubstr("has no config.json"));
  spec.kind = "process.run";
  EXPECT_THAT(model_faults({{dir.path()}}, spec), testing::IsEmpty());
}

TEST_F(ModelUsesTest, WhatNoGpuCanRunTheCpuMay) {
  on_gpu = false;
  const auto cpu = use({gpu(0, "l4-24gb")});
  ASSERT_TRUE(cpu);
  EXPECT_EQ(cpu->model, "m int8");
  EXPECT_EQ(cpu->on("l4-24gb").why_not, "not on GPUs");
}

TEST_F(ModelUsesTest, WhatTheCpuCannotRunAGpuMay) {
  on_cpu = false;
  const auto gpus = use({gpu(1, "h200-140gb")});
  ASSERT_TRUE(gpus);
  EXPECT_EQ(gpus->model, "m int8");
  EXPECT_EQ(gpus->other.why_not, "not on CPUs");
  EXPECT_EQ(gpus->on("h200-140gb").bytes(), 8u);
}

TEST_F(ModelUsesTest, WhatNobodyCanRunIsTheErrorOfTheCpu) {
  on_cpu = on_gpu = false;
  const auto none = use({gpu(0, "l4-24gb")});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message, "not on CPUs");
}

}  // namespace
}  // namespace troupe
