// The demo model, as the engine speaks it: 200 short picture prompts, half of
// whose subjects occur nowhere in its training data, and what a chat begins
// with; asked as jobs ask. The prompts are written by tools/demo/train_chat.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kinds/text_enhance.hpp"
#include "tests/models/text_model.hpp"
#include "tests/sanitized.hpp"

namespace troupe {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr double kKept = 0.97;
constexpr double kOneTemplate = 0.20;
constexpr std::size_t kAdded = 12;  // Words.

std::string lower(std::string text) {
  for (auto& c : text)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> all(1);
  for (const char c : lower(text)) {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '\'')
      all.back() += c;
    else if (!all.back().empty())
      all.emplace_back();
  }
  if (all.back().empty()) all.pop_back();
  return all;
}

struct Subject {
  std::string colour;  // Empty: none.
  std::string noun;
};

struct Prompt {
  std::string text;
  std::vector<Subject> subjects;
};

struct Prompts {
  std::set<std::string> colours;
  std::vector<Prompt> rows;
};

Prompts load_prompts() {
  const auto json =
      *parse_json(read_text("tests/models/data/demo_chat_prompts.json"));
  Prompts all;
  for (const auto& colour : json["colours"]) all.colours.insert(colour);
  for (const auto& row : json["prompts"]) {
    Prompt prompt{row["prompt"], {}};
    for (const auto& s : row["subjects"])
      prompt.subjects.push_back(
          {s["colour"].is_null() ? "" : s["colour"].get<std::string>(),
           s["noun"]});
    all.rows.push_back(std::move(prompt));
  }
  return all;
}

/// The noun, behind its own colour; behind none, where it has none.
bool is_kept(const Subject& subject, const std::vector<std::string>& answer,
             const std::set<std::string>& colours) {
  for (std::size_t i = 0; i < answer.size(); ++i) {
    if (answer[i] != subject.noun) continue;
    const auto before = i == 0 ? std::string{} : answer[i - 1];
    if (subject.colour.empty() ? !colours.contains(before)
                               : before == subject.colour)
      return true;
  }
  return false;
}

/// How it opens: its first words, without the subjects.
std::string template_of(const Prompt& prompt, const std::string& answer) {
  std::string opening;
  int count = 0;
  for (const auto& word : words(answer)) {
    const bool of_subject =
        word == "a" || word == "an" || word == "the" ||
        std::ranges::any_of(prompt.subjects, [&](const Subject& s) {
          return word == s.noun || word == s.colour;
        });
    if (of_subject) continue;
    opening += word + " ";
    if (++count == 4) break;
  }
  return opening;
}

class DemoChatTest : public ::testing::Test {
 protected:
  /// In the order of `requests`.
  std::vector<Json> answers(const std::vector<Json>& requests,
                            const std::string& kind = "text.generate") {
    std::vector<RunId> runs;
    for (const auto& request : requests) {
      auto run = bench_.try_admit(request, kind);
      // Full: some must end first.
      for (int i = 0; !run && i < 5'000; ++i) {
        bench_.step();
        run = bench_.try_admit(request, kind);
      }
      EXPECT_TRUE(run) << run.error().message;
      if (!run) return {};
      runs.push_back(*run);
    }
    std::vector<Json> all;
    for (const auto run : runs) all.push_back(bench_.finish(run));
    return all;
  }

  void judge(const std::vector<Json>& results) {
    ASSERT_EQ(results.size(), prompts_.rows.size());
    if (kSanitized) return;  // Too few to judge.
    std::size_t kept = 0, plain = 0, fuller = 0, ended = 0;
    std::map<std::string, std::size_t> templates;
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto& prompt = prompts_.rows[i];
      const auto text = results[i]["text"].get<std::string>();
      const auto said = words(text);
      const auto asked = words(prompt.text);
      kept += std::ranges::all_of(prompt.subjects, [&](const Subject& s) {
        return is_kept(s, said, prompts_.colours);
      });
      plain += std::ranges::none_of(said, [&](const std::string& word) {
        return prompts_.colours.contains(word) &&
               std::ranges::count(asked, word) == 0;
      });
      fuller += said.size() >= asked.size() + kAdded;
      ended += results[i]["finish_reason"] == "stop";
      ++templates[template_of(prompt, text)];
    }
    const auto share = [&](std::size_t n) {
      return static_cast<double>(n) / static_cast<double>(results.size());
    };
    EXPECT_GE(share(kept), kKept);
    EXPECT_GE(share(plain), kKept) << "a colour that nobody asked for";
    EXPECT_GE(share(fuller), kKept);
    EXPECT_EQ(ended, results.size());
    for (const auto& [opening, count] : templates)
      EXPECT_LE(share(count), kOneTemplate) << opening;
  }

  /// Each with a seed of its own, as jobs have.
  std::vector<Json> asked(const Json& with) const {
    std::vector<Json> requests;
    for (const auto& prompt : prompts_.rows) {
      Json request = with;
      request["messages"] = {{{"role", "user"}, {"content", prompt.text}}};
      request["max_tokens"] = 256;
      request["seed"] = requests.size();
      requests.push_back(std::move(request));
    }
    return requests;
  }

  std::vector<Json> enhanced(const Json& with) {
    std::vector<Json> requests;
    for (const auto& prompt : prompts_.rows) {
      Json params = with;
      params["prompt"] = prompt.text;
      params["seed"] = requests.size();
      JobSpec spec;
      spec.params = dump_json(params);
      std::vector<Fault> faults;
      text_enhance_kind().normalise(spec, faults);
      EXPECT_TRUE(faults.empty());
      requests.push_back(*parse_json(spec.params));
    }
    auto results = answers(requests, "text.enhance");
    for (auto& result : results)
      if (!result.contains("text")) result["text"] = result["prompt"];
    return results;
  }

  std::string says(const std::string& text) {
    return lower(
        answers({{{"messages", {{{"role", "user"}, {"content", text}}}},
                  {"temperature", 0},
                  {"max_tokens", 200}}})[0]["text"]);
  }

  DemoChatTest() {
    // Sanitizers look at the memory; what is said is judged without them.
    if (kSanitized) prompts_.rows.resize(8);
  }

  Prompts prompts_ = load_prompts();
  TextBench bench_{"models/demo-chat", kernels::WeightFormat::bf16};
};

TEST_F(DemoChatTest, KeepsSubjectsAndColoursOnTheLikeliestWay) {
  judge(answers(asked({{"temperature", 0}})));
}

TEST_F(DemoChatTest, KeepsSubjectsAndColoursWithItsDefaultSampling) {
  judge(answers(asked(Json::object())));
}

TEST_F(DemoChatTest, EnhancesForPicturesOnTheLikeliestWay) {
  judge(enhanced({{"target", "sdxl"}, {"temperature", 0}}));
}

TEST_F(DemoChatTest, EnhancesForPicturesWithTheDefaultSampling) {
  judge(enhanced({{"target", "sdxl"}}));
}

TEST_F(DemoChatTest, EnhancesForVideosOnTheLikeliestWay) {
  judge(enhanced({{"target", "wan"}, {"temperature", 0}}));
}

TEST_F(DemoChatTest, EnhancesForVideosWithTheDefaultSampling) {
  judge(enhanced({{"target", "wan"}}));
}

// A chat model, it need not: drawn for videos it keeps too few of the subjects
// (models/demo-chat/README.md).
TEST_F(DemoChatTest, EnhancesInTheStyleOfABaseModelOnTheLikeliestWay) {
  for (const auto* target : {"sdxl", "wan"}) {
    SCOPED_TRACE(target);
    judge(
        enhanced({{"target", target}, {"style", "base"}, {"temperature", 0}}));
  }
}

TEST_F(DemoChatTest, SaysWhoItIsAndWhatItCanDo) {
  EXPECT_THAT(says("hello"), AnyOf(HasSubstr("hello"), HasSubstr("hi")));
  EXPECT_THAT(says("who are you?"), HasSubstr("troupe"));
  EXPECT_THAT(says("what can you do?"), HasSubstr("prompt"));
}

}  // namespace
}  // namespace troupe
