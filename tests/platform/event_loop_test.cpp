#include "platform/event_loop.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace troupe::platform {
namespace {

using std::chrono::milliseconds;
using Order = std::vector<std::string>;

class EventLoopTest : public ::testing::Test {
 protected:
  std::unique_ptr<EventLoop> loop = *EventLoop::create();
  Order order;
  EventLoop::Clock::time_point now = EventLoop::Clock::now();
};

TEST_F(EventLoopTest, RunsTimersInTheOrderOfTheirTimes) {
  loop->at(now + milliseconds{2}, [&] { loop->quit(); });
  loop->at(now + milliseconds{1}, [&] { order.push_back("late"); });
  loop->at(now, [&] { order.push_back("early"); });
  loop->run();
  EXPECT_EQ(order, (Order{"early", "late"}));
}

TEST_F(EventLoopTest, ACancelledTimerNeverRuns) {
  const auto timer = loop->at(now, [&] { order.push_back("cancelled"); });
  loop->at(now + milliseconds{1}, [&] { loop->quit(); });
  loop->cancel(timer);
  loop->cancel(timer);
  loop->run();
  EXPECT_EQ(order, Order{});
}

TEST_F(EventLoopTest, ATimerMayCancelAnotherThatIsDue) {
  EventLoop::TimerId second = 0;
  loop->at(now, [&] { loop->cancel(second); });
  second = loop->at(now, [&] { order.push_back("second"); });
  loop->at(now, [&] { loop->quit(); });
  loop->run();
  EXPECT_EQ(order, Order{});
}

TEST_F(EventLoopTest, RunsWorkOfOtherThreadsInOrder) {
  std::thread other{[&] {
    loop->post([&] { order.push_back("a"); });
    loop->post([&] { order.push_back("b"); });
    loop->quit();
  }};
  loop->run();
  other.join();
  EXPECT_EQ(order, (Order{"a", "b"}));
}

TEST_F(EventLoopTest, TellsOfBytesAndOfTheEnd) {
  auto pipe = *make_pipe();
  const int fd = pipe.read_end.get();
  ASSERT_TRUE(loop->watch(fd, [&] {
    char byte = 0;
    const auto n = ::read(fd, &byte, 1);
    order.push_back(n == 1 ? std::string{byte} : "end");
    if (n == 1) return pipe.write_end.reset();
    loop->remove(fd);
    loop->quit();
  }));
  ASSERT_EQ(::write(pipe.write_end.get(), "x", 1), 1);
  loop->run();
  EXPECT_EQ(order, (Order{"x", "end"}));
}

TEST_F(EventLoopTest, AHandlerMayRemoveAnotherThatIsReady) {
  auto a = *make_pipe();
  auto b = *make_pipe();
  const auto handler = [&](Pipe& mine, Pipe& other) {
    return [&] {
      order.push_back("one");
      loop->remove(other.read_end.get());
      loop->remove(mine.read_end.get());
      loop->quit();
    };
  };
  ASSERT_TRUE(loop->watch(a.read_end.get(), handler(a, b)));
  ASSERT_TRUE(loop->watch(b.read_end.get(), handler(b, a)));
  ASSERT_EQ(::write(a.write_end.get(), "x", 1), 1);
  ASSERT_EQ(::write(b.write_end.get(), "x", 1), 1);
  loop->run();
  EXPECT_EQ(order, Order{"one"});
}

TEST_F(EventLoopTest, ANewUserOfANumberGetsNoOldEvents) {
  auto a = *make_pipe();
  auto b = *make_pipe();
  auto c = *make_pipe();
  ASSERT_TRUE(loop->watch(a.read_end.get(), [&] {
    const int reused = b.read_end.get();
    loop->remove(a.read_end.get());
    loop->remove(reused);
    ASSERT_EQ(::dup2(c.read_end.get(), reused), reused);
    ASSERT_TRUE(loop->watch(reused, [&] { order.push_back("wrong"); }));
    loop->quit();
  }));
  ASSERT_TRUE(loop->watch(b.read_end.get(), [&] { order.push_back("b"); }));
  ASSERT_EQ(::write(a.write_end.get(), "x", 1), 1);
  ASSERT_EQ(::write(b.write_end.get(), "x", 1), 1);
  loop->run();
  EXPECT_EQ(std::count(order.begin(), order.end(), "wrong"), 0);
}

}  // namespace
}  // namespace troupe::platform
