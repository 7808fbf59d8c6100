// Clients that have a seat at a node of stand-ins.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "tests/cluster/node_fixture.hpp"

namespace troupe::cluster {

class SessionTest : public NodeTest {
 protected:
  /// A client with a seat.
  struct Guest {
    std::unique_ptr<TestClient> client;
    SessionActor session;
    HelloReply hello;
    template <class Request>
    auto ask(const Request& request) {
      return client->ask(session, request);
    }
  };
  Guest guest(const TlsFiles& files) {
    Guest guest;
    guest.client = client_as(files);
    auto seat = guest.client->take_seat(address());
    EXPECT_TRUE(seat) << seat.error().message;
    if (seat) {
      guest.session = seat->session;
      guest.hello = seat->hello;
    }
    return guest;
  }
  template <class T>
  void expect_error(const Result<T>& result, Errc code) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().message;
  }
};

}  // namespace troupe::cluster
