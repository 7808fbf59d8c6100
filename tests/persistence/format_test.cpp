#include "persistence/format.hpp"

#include <gtest/gtest.h>

#include "core/clock.hpp"

namespace troupe::storage {
namespace {

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

Change a_submit() {
  Change change;
  change.type = ChangeType::submitted;
  change.job = {1, 2};
  change.seq = 1;
  change.time_ms = 1'700'000'000'000;
  change.spec.emplace();
  change.spec->id = change.job;
  change.spec->kind = "process.run";
  change.spec->params = R"({"argv":["true"]})";
  change.spec->tenant = "local";
  change.spec->submitted_ms = change.time_ms;
  change.spec->tags = {"film"};
  change.spec->depends_on = {{3, 4}};
  change.spec->deadline_ms = 1'700'000'060'000;
  return change;
}

// What version 1 wrote must be readable for ever: never change these bytes.
constexpr std::string_view kGoldenSubmit =
    "82a565706f636807a66368616e676587a776657273696f6e01a47479706501a36a6f62"
    "c41000000000000000010000000000000002a373657101a7617474656d707400a77469"
    "6d655f6d73cf0000018bcfe56800a4737065638da776657273696f6e01a26964c41000"
    "000000000000010000000000000002a46b696e64ab70726f636573732e72756ea67061"
    "72616d73b17b2261726776223a5b2274727565225d7da87072696f7269747902a67465"
    "6e616e74a56c6f63616cac7375626d69747465645f6d73cf0000018bcfe56800a47461"
    "677391a466696c6daa646570656e64735f6f6e91c41000000000000000030000000000"
    "000004ab646561646c696e655f6d73cf0000018bcfe65260a5726574727984ac6d6178"
    "5f617474656d70747303aa6261636b6f66665f6d73cd03e8ae6d61785f6261636b6f66"
    "665f6d73cdea60b26f6e5f636f6d6d616e645f6661696c757265c2a76f6e5f6c6f7374"
    "01ac6d656d6f72795f627974657300";

TEST(Format, WritesAndReadsTheGoldenRecordOfVersionOne) {
  std::string bytes;
  append_record(bytes, 7, a_submit());
  EXPECT_EQ(hex(bytes), kGoldenSubmit);
  const auto entry = decode_record(9, unhex(kGoldenSubmit));
  ASSERT_TRUE(entry) << entry.error().message;
  EXPECT_EQ(entry->index, 9u);
  EXPECT_EQ(entry->epoch, 7u);
  EXPECT_EQ(entry->change.type, ChangeType::submitted);
  EXPECT_EQ(entry->change.time_ms, 1'700'000'000'000);
  ASSERT_TRUE(entry->change.spec);
  EXPECT_TRUE(same_request(*entry->change.spec, *a_submit().spec));
}

TEST(Format, NamesTheEntryThatDoesNotDecode) {
  std::string bytes;
  append_record(bytes, 7, a_submit());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto entry =
        decode_record(9, std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(entry) << size;
    EXPECT_EQ(entry.error().code, Errc::corrupt);
    EXPECT_EQ(entry.error().message.find("log entry 9: "), 0u);
  }
}

TEST(Format, KeepsNumbersOfEverySize) {
  for (const std::uint64_t x :
       {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128},
        std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
    std::string bytes;
    put_varint(bytes, x);
    put_signed(bytes, static_cast<std::int64_t>(x));
    put_u64(bytes, x);
    ByteReader in{bytes};
    EXPECT_EQ(in.varint(), x);
    EXPECT_EQ(in.signed_varint(), static_cast<std::int64_t>(x));
    EXPECT_EQ(in.u64(), x);
    EXPECT_TRUE(in.ok() && in.at_end());
  }
}

TEST(Format, OrdersKeysAsTheirNumbers) {
  EXPECT_LT(log_key(255), log_key(256));
  EXPECT_LT(job_key(1), job_key(std::uint64_t{1} << 40));
  EXPECT_EQ(log_index(log_key(77)), 77u);
  EXPECT_FALSE(log_index("short"));
  EXPECT_EQ(last_u64(live_key(JobState::queued, 5)), 5u);
}

TEST(Format, BringsBackAJobsIndexEntry) {
  JobRecord record;
  record.summary = {.id = {1'700'000'000'000ull << 16, 9},
                    .state = JobState::failed,
                    .attempt = 3,
                    .seq = 66,
                    .failures = 2,
                    .crashes = 1,
                    .spec_index = 100,
                    .start_index = 140,
                    .requeue_index = 130,
                    .end_index = 170,
                    .not_before_ms = -4};
  record.submitted_ms = 1'700'000'000'123;
  record.has_dependencies = true;
  record.events = {160, 170};
  const auto back = decode_job(100, encode(record));
  ASSERT_TRUE(back);
  EXPECT_EQ(encode(*back), encode(record));
  EXPECT_EQ(back->summary.id, record.summary.id);
  EXPECT_EQ(back->summary.requeue_index, 130u);
  EXPECT_EQ(back->submitted_ms, record.submitted_ms);
  EXPECT_EQ(back->events, record.events);
  EXPECT_TRUE(back->has_dependencies);
}

TEST(Format, RefusesIndexBytesThatAreCutOff) {
  LiveJob job;
  job.kind = "k";
  job.deadline_ms = 7;
  job.timeout_ms = 8;
  job.retry = {.max_attempts = 9,
               .backoff_ms = 10,
               .max_backoff_ms = 11,
               .on_command_failure = true};
  job.depends_on = {{1, 2}};
  const auto bytes = encode_live(job);
  LiveJob back;
  ASSERT_TRUE(decode_live(bytes, back));
  EXPECT_EQ(back.deadline_ms, 7);
  EXPECT_EQ(back.timeout_ms, 8);
  EXPECT_EQ(back.retry.max_attempts, 9u);
  EXPECT_EQ(back.retry.backoff_ms, 10);
  EXPECT_EQ(back.retry.max_backoff_ms, 11);
  EXPECT_TRUE(back.retry.on_command_failure);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    LiveJob cut;
    EXPECT_FALSE(decode_live(std::string_view(bytes).substr(0, size), cut));
  }
  EXPECT_FALSE(decode_meta(std::string_view{"\x63\x01\x01", 3}));
}

TEST(Format, SurvivesRandomIndexBytes) {
  const auto random = seeded_random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random->next() % 80, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random->next());
    LiveJob live;
    (void)decode_live(bytes, live);
    (void)decode_job(5, bytes);
    (void)decode_group(5, bytes);
    (void)decode_zone(bytes);
    (void)decode_meta(bytes);
    (void)decode_record(5, bytes);
  }
}

}  // namespace
}  // namespace troupe::storage
