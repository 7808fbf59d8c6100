// Prompts and messages that travel as input files.
#include "cluster/text_inputs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "codec/json.hpp"
#include "core/text_params.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe::cluster {
namespace {

using ::testing::HasSubstr;

// Has the files that the test put there.
class Shelf : public ArtifactAccess {
 public:
  Result<ArtifactRef> save(const std::filesystem::path&, const std::string&,
                           const std::string&) override {
    return Error{Errc::unsupported, "nothing is kept here"};
  }
  Status fetch(const std::string& sha256,
               const std::filesystem::path& to) override {
    if (!files.contains(sha256)) return Error{Errc::not_found, "is not here"};
    if (std::filesystem::exists(to)) return Error{Errc::already_exists, "is"};
    std::ofstream{to, std::ios::binary} << files.at(sha256);
    return ok();
  }
  std::map<std::string, std::string> files;
};

class TextInputsTest : public ::testing::Test {
 protected:
  Assignment attempt(const Json& params, const std::string& file) {
    Assignment one;
    one.token.job = {1, 2};
    one.spec.kind = "text.generate";
    one.spec.params = dump_json(params);
    one.inputs = {{"story", "hash"}};
    shelf.files["hash"] = file;
    return one;
  }
  Json filled(Assignment one) {
    const auto good = fill_text_inputs(one, &shelf, dir / "scratch");
    EXPECT_TRUE(good) << good.error().message;
    return *parse_json(one.spec.params);
  }
  Error refusal(Assignment one) {
    const auto good = fill_text_inputs(one, &shelf, dir / "scratch");
    EXPECT_FALSE(good);
    return good ? Error{} : good.error();
  }
  bool scratch_is_empty() const {
    return std::filesystem::is_empty(dir / "scratch");
  }
  platform::TempDir dir;
  Shelf shelf;
};

TEST_F(TextInputsTest, APromptOfAMebibyteComesWholeAndLeavesNothingBehind) {
  const std::string text(1 << 20, 'x');
  const auto params =
      filled(attempt({{"prompt_input", "story"}, {"n", 2}}, text));
  EXPECT_EQ(params["prompt"], text);
  EXPECT_EQ(params["n"], 2);
  EXPECT_FALSE(params.contains("prompt_input"));
  EXPECT_TRUE(scratch_is_empty());
}

TEST_F(TextInputsTest, WhatAKilledAttemptLeftIsNotInTheWay) {
  auto again = attempt({{"prompt_input", "story"}}, "new");
  std::filesystem::create_directories(dir / "scratch");
  std::ofstream{dir / "scratch" / (to_string(again.token.job) + ".input")}
      << "old";
  EXPECT_EQ(filled(std::move(again))["prompt"], "new");
  EXPECT_TRUE(scratch_is_empty());
}

TEST_F(TextInputsTest, MessagesAreReadAsJson) {
  const auto params = filled(attempt({{"messages_input", "story"}},
                                     R"([{"role":"user","content":"hi"}])"));
  EXPECT_EQ(params["messages"][0]["content"], "hi");
  const auto why = refusal(attempt({{"messages_input", "story"}}, "hi"));
  EXPECT_EQ(why.code, Errc::invalid_argument);
  EXPECT_THAT(why.message, HasSubstr("params.messages_input names a file that "
                                     "must be a JSON array of messages"));
}

TEST_F(TextInputsTest, WhatIsNoTextOrTooLongOrNotThereIsRefusedByName) {
  EXPECT_THAT(refusal(attempt({{"prompt_input", "story"}}, "\xff")).message,
              HasSubstr("no UTF-8"));
  const auto limit = static_cast<std::size_t>(kMaxTextInputBytes);
  filled(attempt({{"prompt_input", "story"}}, std::string(limit, 'x')));
  EXPECT_EQ(
      refusal(attempt({{"prompt_input", "story"}}, std::string(limit + 1, 'x')))
          .code,
      Errc::too_large);
  EXPECT_THAT(refusal(attempt({{"prompt_input", "other"}}, "x")).message,
              HasSubstr("params.prompt_input is 'other'"));
  auto gone = attempt({{"prompt_input", "story"}}, "x");
  shelf.files.clear();
  EXPECT_EQ(refusal(gone).code, Errc::not_found);
}

TEST_F(TextInputsTest, AnAttemptThatNamesNoneIsLeftAsItIs) {
  auto one = attempt({{"prompt", "x"}, {"prompt_input", nullptr}}, "y");
  const auto before = one.spec.params;
  ASSERT_TRUE(fill_text_inputs(one, nullptr, dir / "scratch"));
  EXPECT_EQ(one.spec.params, before);
}

}  // namespace
}  // namespace troupe::cluster
