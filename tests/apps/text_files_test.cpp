#include "apps/text_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "apps/job_options.hpp"
#include "apps/local_files.hpp"
#include "kinds/kinds.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> wrong_with(const char* kind, const char* name,
                                    const std::string& text) {
  std::vector<std::string> all;
  const auto faults =
      text_file_faults(*find_kind(all_kinds(), kind), name, text);
  for (const auto& fault : faults)
    all.push_back(fault.path + " " + fault.message);
  return all;
}

TEST(TextFiles, AreHeldToWhatTheParameterItselfMustBe) {
  EXPECT_THAT(wrong_with("text.generate", "prompt", "once upon"), IsEmpty());
  EXPECT_THAT(wrong_with("text.generate", "prompt", ""),
              ElementsAre(HasSubstr("params.prompt is empty")));
  EXPECT_THAT(wrong_with("text.generate", "prompt", "a\xff"),
              ElementsAre(HasSubstr("params.prompt stands in a file that is")));
  EXPECT_THAT(wrong_with("text.enhance", "prompt", " \n"),
              ElementsAre(HasSubstr("say in few words")));
  EXPECT_THAT(wrong_with("text.generate", "messages", "garbage"),
              ElementsAre(HasSubstr("params.messages stands in a file that")));
  EXPECT_THAT(wrong_with("text.generate", "messages", "{}"),
              ElementsAre(HasSubstr("params.messages must be an array")));
  EXPECT_THAT(wrong_with("text.generate", "messages",
                         R"([{"role":"bot","content":"x"},{"role":"user"}])"),
              ElementsAre(HasSubstr("params.messages[0].role"),
                          HasSubstr("params.messages[1].content")));
}

TEST(TextFiles, OfADraftAreLookedInto) {
  platform::TempDir dir;
  std::ofstream{dir / "bad"} << "a\xff";
  std::ofstream{dir / "good"} << "once upon a time";
  const auto draft = [&](const char* file) {
    JobOptions options;
    options.kind = "text.generate";
    options.model = "m";
    options.params = {"prompt=@" + (dir / file).string()};
    return draft_job(options, all_kinds(), 0, &file_fault);
  };
  EXPECT_TRUE(draft("good"));
  const auto bad = draft("bad");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, HasSubstr("a file that is no text"));
}

TEST(TextFiles, AParameterThatIsNoTextIsNotChanged) {
  JobOptions options;
  options.kind = "text.generate";
  options.model = "m";
  options.params = {
      "prompt=a\xff"
      "b"};
  const auto draft = draft_job(options, all_kinds(), 0);
  ASSERT_FALSE(draft);
  EXPECT_THAT(draft.error().message,
              HasSubstr("prompt is no text: the text is no UTF-8 at byte 1"));
  EXPECT_EQ(draft.error().faults.size(), 1u) << draft.error().message;
}

}  // namespace
}  // namespace troupe
