#include "platform/reach.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "platform/fd.hpp"

namespace troupe::platform {
namespace {

/// A port of this machine that is bound, but that nobody listens on yet.
class ReachTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof own;
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&own), bytes), 0);
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &bytes);
    port = ntohs(own.sin_port);
  }

  Fd fd{::socket(AF_INET, SOCK_STREAM, 0)};
  std::uint16_t port = 0;
};

TEST_F(ReachTest, APortThatSomebodyListensOnIsReached) {
  ASSERT_EQ(::listen(fd.get(), 1), 0);
  EXPECT_TRUE(can_connect("127.0.0.1", port, 10'000));
}

TEST_F(ReachTest, APortThatNobodyListensOnRefuses) {
  const auto status = can_connect("127.0.0.1", port, 10'000);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::unavailable);
  EXPECT_EQ(status.error().message,
            "the connection was refused: nothing listens there");
}

TEST_F(ReachTest, ANameOfNobodyIsNotFound) {
  const auto status = can_connect("no such name", port, 10'000);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::not_found);
  EXPECT_EQ(status.error().message, "that name is not known");
}

TEST_F(ReachTest, WithoutTimeNothingIsReached) {
  ASSERT_EQ(::listen(fd.get(), 0), 0);
  // A queue of one that is full: what comes next gets no answer.
  const Fd first{::socket(AF_INET, SOCK_STREAM, 0)};
  sockaddr_in to{};
  socklen_t bytes = sizeof to;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&to), &bytes);
  ASSERT_EQ(::connect(first.get(), reinterpret_cast<sockaddr*>(&to), bytes), 0);
  const auto status = can_connect("127.0.0.1", port, 50);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::timeout);
  EXPECT_EQ(status.error().message, "nothing came back within 50 ms");
}

}  // namespace
}  // namespace troupe::platform
