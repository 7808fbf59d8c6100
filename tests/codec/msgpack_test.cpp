#include "codec/msgpack.hpp"

#include <gtest/gtest.h>

#include "core/api.hpp"
#include "core/change.hpp"
#include "core/clock.hpp"

namespace troupe {
namespace {

struct Old {
  std::uint32_t kept = 0;
  std::string text;
};
template <class Inspector>
bool inspect(Inspector& f, Old& x) {
  return f.object(x).pretty_name("old").fields(f.field("kept", x.kept),
                                               f.field("text", x.text));
}

struct New {
  std::string added;
  std::uint32_t kept = 0;
  std::map<std::string, std::vector<double>> more;
  std::string text;
};
template <class Inspector>
bool inspect(Inspector& f, New& x) {
  return f.object(x).fields(f.field("added", x.added), f.field("kept", x.kept),
                            f.field("more", x.more), f.field("text", x.text));
}

struct Numbers {
  std::int8_t i8 = 0;
  std::int64_t i64 = 0;
  std::uint16_t u16 = 0;
  std::uint64_t u64 = 0;
  double real = 0;
  bool flag = false;
  friend bool operator==(const Numbers&, const Numbers&) = default;
};
template <class Inspector>
bool inspect(Inspector& f, Numbers& x) {
  return f.object(x).fields(f.field("i8", x.i8), f.field("i64", x.i64),
                            f.field("u16", x.u16), f.field("u64", x.u64),
                            f.field("real", x.real), f.field("flag", x.flag));
}

Change a_submit() {
  Change change;
  change.type = ChangeType::submitted;
  change.job = {0x0102, 0x0304};
  change.seq = 1;
  change.time_ms = 1'700'000'000'000;
  change.spec.emplace();
  change.spec->id = change.job;
  change.spec->kind = "process.run";
  change.spec->params = R"({"argv":["true"]})";
  change.spec->tags = {"a", "b"};
  change.spec->depends_on = {{7, 8}};
  change.spec->inputs.push_back({"in.png", "", JobId{7, 8}, "out.png"});
  change.spec->deadline_ms = -5;
  return change;
}

Change an_end() {
  Change change;
  change.type = ChangeType::ended;
  change.job = {1, 2};
  change.seq = 3;
  change.attempt = 1;
  change.end =
      JobEnd{JobState::failed,
             Failure{FailureClass::command, "exit_status", "code 1", {"last"}},
             "{}",
             {{"a.png", std::string(64, 'a'), 5, "image/png"}}};
  return change;
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const unsigned char c : bytes) {
    out += "0123456789abcdef"[c >> 4];
    out += "0123456789abcdef"[c & 15];
  }
  return out;
}

std::string unhex(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out += static_cast<char>(
        std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
  return out;
}

TEST(Msgpack, WritesAMapByFieldNameWithoutWhatIsEmpty) {
  EXPECT_EQ(hex(to_msgpack(Old{5, "hi"})), "82a46b65707405a474657874a26869");
  EXPECT_EQ(hex(to_msgpack(Old{})), "81a46b65707400");
}

TEST(Msgpack, WritesAJobIdAsSixteenBytes) {
  EXPECT_EQ(hex(to_msgpack(JobId{0x0102, 0x0304})),
            "c41000000000000001020000000000000304");
}

TEST(Msgpack, BringsBackEveryFieldOfAChange) {
  for (const Change& change : {a_submit(), an_end()}) {
    const auto bytes = to_msgpack(change);
    auto back = from_msgpack<Change>(bytes);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(to_msgpack(*back), bytes);
  }
  const auto back = from_msgpack<Change>(to_msgpack(a_submit()));
  ASSERT_TRUE(back);
  EXPECT_TRUE(same_request(*back->spec, *a_submit().spec));
  EXPECT_FALSE(back->end);
}

TEST(Msgpack, KeepsNumbersAtTheirLimits) {
  const Numbers least{
      -128, std::numeric_limits<std::int64_t>::min(), 0, 0, -0.5, false};
  const Numbers most{127,   std::numeric_limits<std::int64_t>::max(),
                     65535, std::numeric_limits<std::uint64_t>::max(),
                     1e300, true};
  for (const Numbers& x : {least, most}) {
    const auto back = from_msgpack<Numbers>(to_msgpack(x));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, x);
  }
}

TEST(Msgpack, SkipsFieldsItDoesNotKnowAndDefaultsMissingOnes) {
  const New newer{"x", 7, {{"a", {1, 2.5}}, {"b", {}}}, "t"};
  const auto old = from_msgpack<Old>(to_msgpack(newer));
  ASSERT_TRUE(old) << old.error().message;
  EXPECT_EQ(old->kept, 7u);
  EXPECT_EQ(old->text, "t");
  const auto back = from_msgpack<New>(to_msgpack(*old));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->kept, 7u);
  EXPECT_TRUE(back->more.empty());
  const auto same = from_msgpack<New>(to_msgpack(newer));
  ASSERT_TRUE(same);
  EXPECT_EQ(same->more, newer.more);
}

TEST(Msgpack, ReadsFieldsInAnyOrder) {
  // {"text": "hi", "kept": 5}
  const auto x = from_msgpack<Old>("\x82\xa4text\xa2hi\xa4kept\x05");
  ASSERT_TRUE(x) << x.error().message;
  EXPECT_EQ(x->kept, 5u);
  EXPECT_EQ(x->text, "hi");
}

TEST(Msgpack, TakesNilForAMissingField) {
  const auto x = from_msgpack<Old>("\x82\xa4kept\xc0\xa4text\xa2hi");
  ASSERT_TRUE(x) << x.error().message;
  EXPECT_EQ(x->kept, 0u);
  EXPECT_EQ(x->text, "hi");
}

TEST(Msgpack, NamesTheFieldThatIsWrong) {
  const auto kept = from_msgpack<Old>("\x81\xa4kept\xa1x");
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code, Errc::corrupt);
  EXPECT_EQ(kept.error().message, "kept: a number from 0 is expected");
  // {"spec": {"tags": ["a", 1]}}
  const auto tags = from_msgpack<Change>(
      "\x81\xa4spec\x81\xa4tags\x92\xa1"
      "a\x01");
  ASSERT_FALSE(tags);
  EXPECT_EQ(tags.error().message, "spec.tags[1]: text is expected");
}

TEST(Msgpack, RefusesNumbersThatDoNotFit) {
  EXPECT_FALSE(from_msgpack<std::uint8_t>(to_msgpack(std::uint16_t{256})));
  EXPECT_FALSE(from_msgpack<std::int8_t>(to_msgpack(std::int16_t{-129})));
  EXPECT_FALSE(from_msgpack<std::uint8_t>(to_msgpack(std::int16_t{-1})));
  EXPECT_FALSE(from_msgpack<std::int64_t>(
      to_msgpack(std::numeric_limits<std::uint64_t>::max())));
}

TEST(Msgpack, RefusesAnEnumValueItDoesNotKnow) {
  EXPECT_FALSE(from_msgpack<JobState>(to_msgpack(std::uint8_t{0})));
  EXPECT_FALSE(from_msgpack<JobState>(to_msgpack(std::uint8_t{8})));
  EXPECT_TRUE(from_msgpack<JobState>(to_msgpack(std::uint8_t{7})));
}

TEST(Msgpack, RefusesAJobIdOfAnotherLength) {
  std::string bytes;
  MsgpackWriter{bytes}.binary("fifteen bytes..");
  EXPECT_FALSE(from_msgpack<JobId>(bytes));
}

TEST(Msgpack, RefusesEveryCutAndEveryByteTooMany) {
  const auto bytes = to_msgpack(a_submit());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto x =
        from_msgpack<Change>(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(x) << size;
    ASSERT_EQ(x.error().code, Errc::corrupt) << size;
  }
  EXPECT_FALSE(from_msgpack<Change>(bytes + '\x01'));
}

TEST(Msgpack, RefusesContainersNestedBeyondTheLimit) {
  const std::string deep(kMaxMsgpackDepth, '\x91');
  EXPECT_TRUE(from_msgpack<Old>("\x81\xa1u" + deep.substr(1) + '\x01'));
  const auto x = from_msgpack<Old>("\x81\xa1u" + deep + '\x01');
  ASSERT_FALSE(x);
  EXPECT_NE(x.error().message.find("nested too deep"), std::string::npos);
}

TEST(Msgpack, RefusesAnArrayThatClaimsMoreItemsThanThereAreBytes) {
  EXPECT_FALSE(from_msgpack<std::vector<Change>>("\xdd\xff\xff\xff\xff"));
  EXPECT_FALSE(from_msgpack<std::string>("\xdb\xff\xff\xff\xff"));
}

TEST(Msgpack, SurvivesFlippedAndRandomBytes) {
  const auto random = seeded_random(7);
  const auto golden = to_msgpack(a_submit());
  std::size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = golden;
    for (auto flips = 1 + random->next() % 4; flips > 0; --flips)
      bytes[random->next() % bytes.size()] = static_cast<char>(random->next());
    if (round % 4 == 0) bytes.resize(random->next() % bytes.size());
    if (!from_msgpack<Change>(bytes)) ++refused;
  }
  EXPECT_GT(refused, 5'000u);
}

// What version 1 wrote must be readable for ever: never change these bytes.
constexpr std::string_view kGoldenEnd =
    "87a776657273696f6e01a47479706505a36a6f62c41000000000000000010000000000"
    "000002a373657103a7617474656d707401a774696d655f6d7300a3656e6484a5737461"
    "746505a76661696c75726584a5636c61737305a6726561736f6eab657869745f737461"
    "747573a76d657373616765a6636f64652031aa6c6173745f6c696e657391a46c617374"
    "a6726573756c74a27b7da96172746966616374739184a46e616d65a5612e706e67a673"
    "6861323536d94061616161616161616161616161616161616161616161616161616161"
    "6161616161616161616161616161616161616161616161616161616161616161616161"
    "61a5627974657305aa6d656469615f74797065a9696d6167652f706e67";

TEST(Msgpack, WritesAndReadsTheGoldenChangeOfVersionOne) {
  EXPECT_EQ(hex(to_msgpack(an_end())), kGoldenEnd);
  const auto change = from_msgpack<Change>(unhex(kGoldenEnd));
  ASSERT_TRUE(change) << change.error().message;
  EXPECT_EQ(change->version, 1u);
  EXPECT_EQ(change->type, ChangeType::ended);
  EXPECT_EQ(change->job, (JobId{1, 2}));
  EXPECT_EQ(change->seq, 3u);
  EXPECT_EQ(change->attempt, 1u);
  EXPECT_EQ(change->end->failure->klass, FailureClass::command);
  EXPECT_EQ(change->end->failure->last_lines.at(0), "last");
  EXPECT_EQ(change->end->artifacts.at(0).media_type, "image/png");
}

}  // namespace
}  // namespace troupe
