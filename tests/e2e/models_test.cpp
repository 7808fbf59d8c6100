// Models as people bring, look at and remove them, with a node and without.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <fstream>

#include "tests/e2e/program.hpp"
#include "tests/models/text_model.hpp"

namespace troupe::test {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
namespace fs = std::filesystem;

class ModelsTest : public testing::Test {
 protected:
  /// The program in a folder of its own, as it is installed, with one model.
  void install() {
    TextModelFolder shipped{place_.install() / "share" / "troupe" / "models" /
                            "shipped"};
  }
  Output troupe(const Words& args) { return place_.troupe(args); }
  Json add(const Words& more = {}) {
    Words words{"models", "add", model_.path().string(), "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const auto output = troupe(words);
    EXPECT_EQ(output.code, 0) << output.err;
    return output.json();
  }
  /// What `models list` has of that name.
  std::vector<Json> listed(const std::string& name) {
    std::vector<Json> found;
    for (auto& line : troupe({"models", "list", "--json"}).lines())
      if (line["name"] == name) found.push_back(std::move(line));
    return found;
  }

  Workplace place_;
  TextModelFolder model_{place_.path("tiny")};
};

TEST_F(ModelsTest, OneIsAddedListedShownUsedAndRemoved) {
  const auto added = add();
  EXPECT_EQ(added["name"], "tiny");
  EXPECT_EQ(added["family"], "qwen2");
  EXPECT_EQ(added["folder"], (place_.data() / "models" / "tiny").string());
  EXPECT_EQ(added["devices"][0]["fits"], true);
  EXPECT_EQ(added["hash"].get<std::string>().size(), 64u);
  ASSERT_THAT(listed("tiny"), SizeIs(1));
  EXPECT_EQ(listed("tiny")[0]["hash"], added["hash"]);
  EXPECT_EQ(listed("tiny")[0]["place"], "data");
  const auto table = troupe({"models", "list"}).out;
  EXPECT_THAT(table, HasSubstr("qwen2"));
  EXPECT_THAT(table, HasSubstr("data folder"));
  EXPECT_EQ(troupe({"models", "show", "tiny", "--json"}).json()["hash"],
            added["hash"]);
  const auto run = troupe({"run", "text.generate", "--model", "tiny", "-p",
                           "prompt=hello", "-p", "max_tokens=3", "--json"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.json()["result"]["model_hash"], added["hash"]);
  const auto removed = troupe({"models", "remove", "tiny", "--yes", "--json"});
  EXPECT_EQ(removed.json()["removed"], "tiny") << removed.err;
  EXPECT_THAT(listed("tiny"), SizeIs(0));
  EXPECT_TRUE(fs::exists(model_.path() / "config.json"));
}

TEST_F(ModelsTest, ALinkIsListedAsOneAndABrokenOneWithTheReason) {
  add({"--name", "linked", "--link"});
  ASSERT_THAT(listed("linked"), SizeIs(1));
  EXPECT_EQ(listed("linked")[0]["link"], model_.path().string());
  fs::resize_file(model_.path() / "model.safetensors", 100'000);
  const auto broken = listed("linked")[0];
  EXPECT_EQ(broken["error"]["code"], "corrupt");
  EXPECT_THAT(broken["error"]["message"].get<std::string>(),
              HasSubstr("model.safetensors"));
  EXPECT_THAT(troupe({"models", "list"}).out, HasSubstr("broken: "));
  fs::rename(model_.path(), place_.path("moved"));
  const auto lost = troupe({"models", "show", "linked"});
  EXPECT_EQ(lost.code, 2);
  EXPECT_THAT(lost.err, HasSubstr("troupe models remove linked"));
  EXPECT_EQ(troupe({"models", "remove", "linked", "--yes"}).code, 0);
}

TEST_F(ModelsTest, WhatIsNoModelOrHasABadNameIsRefused) {
  const auto nowhere = troupe({"models", "add", "/no/such/folder"});
  EXPECT_EQ(nowhere.code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("there is no folder /no/such/folder"));
  fs::create_directories(place_.path("empty"));
  EXPECT_EQ(troupe({"models", "add", place_.path("empty").string()}).code, 4);
  const auto name =
      troupe({"models", "add", model_.path().string(), "--name", "../tiny"});
  EXPECT_EQ(name.code, 2);
  EXPECT_THAT(name.err, HasSubstr("cannot be a model's name"));
  add();
  const auto twice = troupe({"models", "add", model_.path().string()});
  EXPECT_EQ(twice.code, 5);
  EXPECT_THAT(twice.err, HasSubstr("--name"));
  fs::resize_file(model_.path() / "model.safetensors", 1'000);
  const auto cut =
      troupe({"models", "add", model_.path().string(), "--name", "cut"});
  EXPECT_EQ(cut.code, 8);
  EXPECT_FALSE(fs::exists(place_.data() / "models" / "cut"));
}

TEST_F(ModelsTest, OneIsPackedOnceUsedShownAndTakenAway) {
  const auto hash = add()["hash"];
  const auto run = [&] {
    const auto output =
        troupe({"run", "text.generate", "--model", "tiny", "-p", "prompt=hello",
                "-p", "max_tokens=9", "-p", "dtype=int8", "--json"});
    EXPECT_EQ(output.code, 0) << output.err;
    return output.json()["result"]["text"];
  };
  const auto before = run();
  const auto packed =
      troupe({"models", "quantize", "tiny", "--dtype", "int8", "--json"});
  EXPECT_EQ(packed.code, 0) << packed.err;
  const auto file = packed.json()["file"].get<std::string>();
  EXPECT_EQ(file,
            (place_.data() / "models" / "tiny" / ".packed-int8").string());
  EXPECT_GT(fs::file_size(file), packed.json()["bytes"].get<std::uint64_t>());
  const auto shown = troupe({"models", "show", "tiny", "--json"}).json();
  EXPECT_EQ(shown["hash"], hash);
  EXPECT_EQ(shown["packed"][0]["dtype"], "int8");
  EXPECT_EQ(shown["packed"][0]["used"], true);
  EXPECT_EQ(run(), before);
  EXPECT_EQ(troupe({"models", "quantize", "tiny"}).code, 0) << "there already";
  EXPECT_THAT(troupe({"models", "list"}).out, HasSubstr("int8"));
  EXPECT_EQ(troupe({"models", "check", "tiny"}).code, 0);
  EXPECT_EQ(troupe({"models", "quantize", "tiny", "--remove", "--json"})
                .json()["removed"][0],
            file);
  EXPECT_FALSE(fs::exists(file));
  EXPECT_EQ(troupe({"models", "quantize", "tiny", "--dtype", "int3"}).code, 2);
}

TEST_F(ModelsTest, PackedWeightsThatAreBrokenOrOldAreNamedAndNotUsed) {
  add();
  const auto run = [&] {
    const auto output =
        troupe({"run", "text.generate", "--model", "tiny", "-p", "prompt=hello",
                "-p", "max_tokens=9", "-p", "dtype=int4", "--json"});
    EXPECT_EQ(output.code, 0) << output.err;
    return output.json()["result"]["text"];
  };
  const auto before = run();
  const Words quantize{"models",  "quantize", "tiny",
                       "--dtype", "int4",     "--json"};
  const fs::path file = troupe(quantize).json()["file"].get<std::string>();
  std::fstream{file, std::ios::in | std::ios::out | std::ios::binary} << "x";
  const auto bad = troupe({"models", "check", "tiny"});
  EXPECT_EQ(bad.code, 8);
  EXPECT_THAT(bad.err, HasSubstr("troupe models quantize tiny --dtype int4"));
  EXPECT_EQ(run(), before);
  EXPECT_THAT(read_text(place_.data() / "own-node.log"),
              HasSubstr("other bytes than were written"));
  fs::resize_file(file, 1'000);
  const auto shown = troupe({"models", "show", "tiny", "--json"}).json();
  EXPECT_EQ(shown["packed"][0]["used"], false);
  EXPECT_THAT(shown["packed"][0]["why"].get<std::string>(),
              HasSubstr("is not a whole file"));
  EXPECT_EQ(troupe(quantize).code, 0) << "made anew";
  EXPECT_EQ(troupe({"models", "check", "tiny"}).code, 0);
  const auto weights = place_.data() / "models" / "tiny" / "model.safetensors";
  fs::last_write_time(weights, fs::file_time_type::clock::now());
  const auto old = troupe({"models", "check", "tiny"});
  EXPECT_EQ(old.code, 0);
  EXPECT_THAT(old.err, HasSubstr("was packed from other weights"));
  EXPECT_EQ(run(), before);
}

TEST_F(ModelsTest, WhatOthersOwnIsPackedBesideTheModels) {
  add({"--name", "linked", "--link"});
  const auto packed = troupe({"models", "quantize", "linked", "--json"}).json();
  const fs::path file = packed["file"].get<std::string>();
  EXPECT_EQ(file.parent_path(), place_.data() / "models" / ".packed");
  EXPECT_FALSE(fs::exists(model_.path() / ".packed-int8"));
  ASSERT_THAT(listed("linked"), SizeIs(1));
  EXPECT_EQ(listed("linked")[0]["packed"][0]["used"], true);
  // What one that was killed has left goes with the next.
  const auto left = file.parent_path() / "new-77.tmp";
  std::ofstream{left} << "half";
  fs::last_write_time(left, fs::last_write_time(left) - std::chrono::hours{1});
  EXPECT_EQ(troupe({"models", "quantize", "linked", "--dtype", "bf16"}).code,
            0);
  EXPECT_FALSE(fs::exists(left));
  EXPECT_EQ(troupe({"models", "remove", "linked", "--yes"}).code, 0);
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(ModelsTest, RemovingAsksFirstAndNamesWhatIsKnown) {
  add();
  const auto asked = troupe({"models", "remove", "tiny"});
  EXPECT_EQ(asked.code, 2);
  EXPECT_THAT(asked.err, HasSubstr("--yes"));
  ASSERT_THAT(listed("tiny"), SizeIs(1));
  const auto unknown = troupe({"models", "remove", "tniy", "--yes"});
  EXPECT_EQ(unknown.code, 2) << "as a model that is not there has everywhere";
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'tiny'?"));
}

TEST_F(ModelsTest, WhatJobsNeedStays) {
  add();
  auto node = place_.node();
  ASSERT_EQ(troupe({"queue", "pause"}).code, 0);
  const auto by_name =
      place_.submit({"text.generate", "--model", "tiny", "-p", "prompt=hello"});
  const auto by_path = place_.submit(
      {"text.generate", "--model", (place_.data() / "models" / "tiny").string(),
       "-p", "prompt=hello"});
  const auto refused = troupe({"models", "remove", "tiny", "--yes"});
  EXPECT_EQ(refused.code, 5);
  EXPECT_THAT(refused.err, HasSubstr(by_name));
  EXPECT_THAT(refused.err, HasSubstr(by_path));
  EXPECT_EQ(troupe({"jobs", "cancel", by_name, by_path}).code, 0);
  EXPECT_EQ(troupe({"models", "remove", "tiny", "--yes"}).code, 0);
  node->signal(SIGTERM);
  EXPECT_EQ(node->finish().code, 0);
}

TEST_F(ModelsTest, AnUnknownNameIsRefusedAtSubmitWithTheNearest) {
  add();
  auto node = place_.node();
  const auto refused = troupe({"submit", "text.generate", "--model", "tnyi",
                               "-p", "prompt=hello", "--json"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("there is no model 'tnyi'"));
  EXPECT_THAT(refused.err, HasSubstr("tiny"));
  node->signal(SIGTERM);
  EXPECT_EQ(node->finish().code, 0);
}

TEST_F(ModelsTest, WhatComesWithTheProgramRunsByItsNameAndStays) {
  install();
  const auto run = [&] {
    return troupe({"run", "text.generate", "--model", "shipped", "-p",
                   "prompt=hello", "-p", "max_tokens=3", "--json"});
  };
  const auto first = run();
  EXPECT_EQ(first.code, 0) << first.err;
  ASSERT_THAT(listed("shipped"), SizeIs(1));
  EXPECT_EQ(listed("shipped")[0]["place"], "program");
  const auto kept = troupe({"models", "remove", "shipped", "--yes"});
  EXPECT_EQ(kept.code, 5);
  EXPECT_THAT(kept.err, HasSubstr("comes with the program"));
  // One's own of that name stands before it.
  add({"--name", "shipped"});
  ASSERT_THAT(listed("shipped"), SizeIs(2));
  EXPECT_EQ(listed("shipped")[0]["place"], "data");
  EXPECT_EQ(listed("shipped")[1]["hidden"], true);
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(troupe({"models", "remove", "shipped", "--yes"}).code, 0);
  EXPECT_EQ(run().code, 0);
}

}  // namespace
}  // namespace troupe::test
