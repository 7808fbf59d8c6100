#include "platform/listen.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "platform/fd.hpp"

namespace troupe::platform {
namespace {

TEST(Listen, AFreePortOfThisMachineIsFine) {
  EXPECT_TRUE(can_listen("127.0.0.1", 0));
  EXPECT_TRUE(can_listen("localhost", 0));
}

TEST(Listen, ATakenPortIsUnavailable) {
  const Fd fd{::socket(AF_INET, SOCK_STREAM, 0)};
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof own;
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&own), bytes), 0);
  ASSERT_EQ(::listen(fd.get(), 1), 0);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &bytes);
  const auto status = can_listen("127.0.0.1", ntohs(own.sin_port));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::unavailable);
  EXPECT_EQ(status.error().message, "Address already in use");
}

TEST(Listen, AnAddressOfAnotherMachineIsRefusedWithTheSystemsReason) {
  const auto status = can_listen("192.0.2.1", 0);  // Of documentation only.
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::invalid_argument);
  EXPECT_EQ(status.error().message, "Cannot assign requested address");
}

TEST(Listen, ANameOfNobodyIsRefused) {
  const auto status = can_listen("no such name", 0);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace troupe::platform
