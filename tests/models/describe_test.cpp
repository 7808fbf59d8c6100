#include "models/describe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "models/qwen2/plan.hpp"
#include "tests/models/text_model.hpp"

namespace troupe {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

TEST(DescribeModel, SaysWhatAFolderHoldsAndWhatItTakes) {
  TextModelFolder folder;
  const auto d = describe_model(folder.path());
  ASSERT_TRUE(d) << d.error().message;
  EXPECT_EQ(d->family, "qwen2");
  EXPECT_THAT(d->kinds, ElementsAre("text.generate", "text.enhance"));
  // Embedding, four products of 64 x 64 with three biases, three norms, and the
  // three products of the feed-forward of 32.
  EXPECT_EQ(d->parameters,
            1536u * 64 + 4 * 64 * 64 + 3 * 64 + 3 * 64 + 3 * 64 * 32);
  EXPECT_EQ(d->stored_bytes, 4 * d->parameters);
  EXPECT_THAT(d->dtypes, ElementsAre("F32"));
  EXPECT_EQ(d->tokens, 1522u);
  EXPECT_EQ(d->max_positions, 512);
  EXPECT_TRUE(d->chats);
  std::uint64_t bytes = 0;
  for (const auto& component : d->components) bytes += component.bytes;
  const auto needs =
      model_needs({{"/nowhere"}}, folder.path(), {"text.generate", "{}"});
  ASSERT_TRUE(needs);
  for (const auto& component : needs->components) bytes -= component.bytes;
  EXPECT_EQ(bytes, 0u);
}

TEST(DescribeModel, SaysWhyAModelDoesNotChat) {
  TextModelFolder folder;
  folder.add("chat_template.jinja", "{{ x }}");
  const auto d = describe_model(folder.path());
  ASSERT_TRUE(d);
  EXPECT_FALSE(d->chats);
  EXPECT_THAT(d->why_no_chat, HasSubstr("chat_template.jinja"));
}

TEST(DescribeModel, RefusesAFolderWithoutAModel) {
  platform::TempDir empty;
  EXPECT_EQ(describe_model(empty.path()).error().code, Errc::not_found);
}

TEST(DescribeModel, NamesEveryTensorThatIsWrong) {
  TextModelFolder folder;
  folder.tiny.config["num_hidden_layers"] = 5;
  folder.tiny.write(folder.path());
  const auto d = describe_model(folder.path());
  ASSERT_FALSE(d);
  EXPECT_EQ(d.error().faults.size(), 4u * 12);
  EXPECT_EQ(d.error().message.find('\n'), std::string::npos);
}

TEST(DescribeModel, SaysWhatToDoAboutAConfigThatIsNoJson) {
  TextModelFolder folder;
  for (const auto* text : {"{", "[]"}) {
    folder.add("config.json", text);
    EXPECT_THAT(describe_model(folder.path()).error().message,
                HasSubstr("fetch the file again from where the model came "
                          "from, then type: troupe models check " +
                          folder.path().string()));
  }
}

TEST(DescribeModel, NamesEveryFileThatIsWrongInOneAnswer) {
  TextModelFolder folder;
  folder.tiny.config["hidden_act"] = "gelu";
  folder.tiny.write(folder.path());
  const auto weights = folder.path() / "model.safetensors";
  std::filesystem::resize_file(weights,
                               std::filesystem::file_size(weights) - 1);
  folder.add("tokenizer.json", "{");
  folder.add("generation_config.json", R"({"top_k": -1, "top_p": 2})");
  const auto d = describe_model(folder.path());
  ASSERT_FALSE(d);
  std::string all;
  for (const auto& fault : d.error().faults)
    all += fault.path + " " + fault.message + "\n";
  EXPECT_THAT(all, HasSubstr("/config.json: hidden_act is"));
  EXPECT_THAT(all, HasSubstr("model.safetensors: "));
  EXPECT_THAT(all, HasSubstr("/tokenizer.json: "));
  EXPECT_THAT(all, HasSubstr("fetch the file again"));
  EXPECT_THAT(all, HasSubstr("/generation_config.json: top_p is 2"));
  EXPECT_THAT(d.error().message, HasSubstr("(and 3 more)"));
}

TEST(DescribeModel, TellsTheFaultsOfTextsBesideThoseOfTensors) {
  TextModelFolder folder;
  folder.tiny.tensors.erase("model.norm.weight");
  folder.tiny.tensors.erase("model.layers.0.mlp.up_proj.weight");
  folder.tiny.write(folder.path());
  folder.add("generation_config.json", R"({"eos_token_id": 151645})");
  const auto error = describe_model(folder.path()).error();
  ASSERT_EQ(error.faults.size(), 3u) << error.message;
  EXPECT_THAT(error.faults[0].message, HasSubstr("up_proj.weight is missing"));
  EXPECT_EQ(error.faults[1], (Fault{"tensor model.norm.weight", "is missing"}));
  EXPECT_THAT(error.faults[2].message, HasSubstr("eos_token_id is 151645"));
}

TEST(CheckModel, NamesEveryTensorWithANumberThatIsNone) {
  TextModelFolder folder;
  for (const auto* part : {"mlp.up_proj.weight", "mlp.down_proj.weight"})
    folder.tiny.tensors[std::string("model.layers.0.") + part].values.at(70) =
        std::numeric_limits<float>::quiet_NaN();
  folder.tiny.write(folder.path());
  const auto broken = check_model(folder.path());
  ASSERT_FALSE(broken);
  ASSERT_EQ(broken.error().faults.size(), 2u) << broken.error().message;
  EXPECT_THAT(broken.error().faults[0].message, HasSubstr("down_proj"));
  EXPECT_THAT(broken.error().faults[1].message, HasSubstr("up_proj"));
  EXPECT_THAT(broken.error().message, HasSubstr("fetch the file again"));
  EXPECT_THAT(broken.error().faults[1].message, EndsWith("no finite number"));
}

TEST(CheckModel, ReadsEveryWeight) {
  TextModelFolder folder;
  EXPECT_TRUE(check_model(folder.path()));
  auto& values =
      folder.tiny.tensors["model.layers.0.mlp.up_proj.weight"].values;
  values.at(70) = std::numeric_limits<float>::infinity();
  folder.tiny.write(folder.path());
  const auto broken = check_model(folder.path());
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Errc::corrupt);
  EXPECT_THAT(broken.error().message,
              HasSubstr("mlp.up_proj.weight: element 70 is inf, no finite"));
  EXPECT_TRUE(describe_model(folder.path())) << "reads no weight";
}

// -- names --------------------------------------------------------------------

TEST(ModelNeeds, SayHowManyRequestsAnEngineComputesAtOnce) {
  TextModelFolder folder;
  const auto needs =
      model_needs({}, folder.path().string(), {"text.generate", "{}"});
  ASSERT_TRUE(needs) << needs.error().message;
  EXPECT_EQ(needs->batch, kEngineSequences);
}

TEST(ModelNeeds, AreRefusedForKindsThatNoFamilyServes) {
  const auto needs =
      model_needs({{"/nowhere"}}, "/x", {"image.generate", "{}"});
  ASSERT_FALSE(needs);
  EXPECT_EQ(needs.error().code, Errc::unsupported);
  EXPECT_EQ(
      model_needs({{"/nowhere"}}, "x", {"text.generate", "{}"}).error().code,
      Errc::not_found);
}

}  // namespace
}  // namespace troupe
