#include "client/call_table.hpp"

#include <gtest/gtest.h>

namespace troupe::client {
namespace {

Call call(const std::string& type, SteadyMs deadline_ms = 1'000,
          bool repeatable = true) {
  Call c;
  c.type = type;
  c.deadline_ms = deadline_ms;
  c.repeatable = repeatable;
  return c;
}

std::vector<std::string> types(const std::vector<Call>& calls) {
  std::vector<std::string> all;
  for (const auto& c : calls) all.push_back(c.type);
  return all;
}

class CallTableTest : public ::testing::Test {
 protected:
  using Numbers = std::vector<std::uint64_t>;
  Numbers send(SteadyMs now_ms) {
    Numbers sent;
    table.send_due(now_ms, [&](std::uint64_t n, Call&) { sent.push_back(n); });
    return sent;
  }
  CallTable table;
};

TEST_F(CallTableTest, SendsEachCallOnceInOrder) {
  table.add(call("a"));
  table.add(call("b"));
  EXPECT_EQ(send(0), (Numbers{1, 2}));
  EXPECT_EQ(send(0), Numbers{});
}

TEST_F(CallTableTest, SendsAgainWhatMayBeRepeatedAfterALoss) {
  table.add(call("show"));
  table.add(call("backup", 1'000, false));
  send(0);
  table.add(call("restore", 1'000, false));  // Was not sent: nothing unknown.
  EXPECT_EQ(types(table.connection_lost()),
            (std::vector<std::string>{"backup"}));
  EXPECT_EQ(send(0), (Numbers{1, 3}));
}

TEST_F(CallTableTest, APostponedCallWaitsForItsTime) {
  table.add(call("pull"));
  send(0);
  table.postpone(1, 50);
  EXPECT_EQ(table.next_time(), 50);
  EXPECT_EQ(send(49), Numbers{});
  EXPECT_EQ(send(50), Numbers{1});
  EXPECT_EQ(table.next_time(), 1'000);
}

TEST_F(CallTableTest, ALossMakesPostponedCallsDueAtOnce) {
  table.add(call("pull"));
  send(0);
  table.postpone(1, 50);
  table.connection_lost();
  EXPECT_EQ(table.next_time(), 1'000);
  EXPECT_EQ(send(0), Numbers{1});
}

TEST_F(CallTableTest, TakesOutWhatIsLate) {
  table.add(call("a", 10));
  table.add(call("b", 20));
  EXPECT_EQ(table.next_time(), 10);
  EXPECT_EQ(types(table.take_expired(10)), (std::vector<std::string>{"a"}));
  EXPECT_FALSE(table.find(1));
  EXPECT_TRUE(table.find(2));
}

TEST_F(CallTableTest, AnAnswerThatComesTwiceIsTakenOnce) {
  table.add(call("a"));
  EXPECT_TRUE(table.take(1));
  EXPECT_FALSE(table.take(1));
}

TEST_F(CallTableTest, TakesOneTypeOrAll) {
  table.add(call("pull"));
  table.add(call("show"));
  EXPECT_EQ(types(table.take_type("pull")), (std::vector<std::string>{"pull"}));
  EXPECT_EQ(types(table.drain()), (std::vector<std::string>{"show"}));
  EXPECT_FALSE(table.next_time());
}

}  // namespace
}  // namespace troupe::client
