#include "cluster/device_wire.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "codec/msgpack.hpp"
#include "platform/fd.hpp"
#include "platform/file.hpp"

namespace troupe::cluster {
namespace {

class DeviceWireTest : public ::testing::Test {
 protected:
  DeviceWireTest() {
    auto made = platform::make_pipe();
    EXPECT_TRUE(made);
    pipe_ = *std::move(made);
  }
  platform::Pipe pipe_;
};

TEST_F(DeviceWireTest, BringsPacketsOfAnySizeInOrder) {
  const std::string big(300'000, 'x');  // More than a pipe holds.
  std::thread writing{[&] {
    for (const auto& bytes : {std::string{"one"}, std::string{}, big})
      EXPECT_TRUE(write_packet(pipe_.write_end.get(), bytes));
  }};
  for (const auto& bytes : {std::string{"one"}, std::string{}, big}) {
    const auto packet = read_packet(pipe_.read_end.get(), 10'000);
    ASSERT_TRUE(packet) << packet.error().message;
    EXPECT_EQ(*packet, bytes);
  }
  writing.join();
}

TEST_F(DeviceWireTest, TellsAClosedPipeFromASilentOne) {
  const auto silent = read_packet(pipe_.read_end.get(), 1);
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, Errc::timeout);
  ASSERT_TRUE(platform::write_all(pipe_.write_end.get(), "\x05"));
  EXPECT_EQ(read_packet(pipe_.read_end.get(), 1).error().code, Errc::timeout);
  pipe_.write_end.reset();
  EXPECT_EQ(read_packet(pipe_.read_end.get(), -1).error().code,
            Errc::unavailable);
}

TEST_F(DeviceWireTest, RefusesALengthThatNoPacketHas) {
  ASSERT_TRUE(platform::write_all(pipe_.write_end.get(), "\xff\xff\xff\xff"));
  const auto packet = read_packet(pipe_.read_end.get(), 1'000);
  ASSERT_FALSE(packet);
  EXPECT_EQ(packet.error().code, Errc::too_large);
  const std::string over(kMaxPacketBytes + 1, 'x');
  EXPECT_EQ(write_packet(pipe_.write_end.get(), over).error().code,
            Errc::too_large);
}

TEST_F(DeviceWireTest, SurvivesTheWayThroughMsgpack) {
  DeviceSays says{.steps = 7, .step_ms = 12};
  says.alive.push_back({.epoch = 3, .job = {1, 2}, .attempt = 4});
  LiveEvent live{.job = {1, 2}, .attempt = 4, .type = LiveType::token};
  live.token = "word";
  live.index = 9;
  live.choice = 1;
  says.live.push_back(live);
  const auto back = from_msgpack<DeviceSays>(to_msgpack(says));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->steps, 7u);
  EXPECT_EQ(back->step_ms, 12);
  EXPECT_EQ(back->alive, says.alive);
  ASSERT_EQ(back->live.size(), 1u);
  EXPECT_EQ(back->live[0].token, "word");
  EXPECT_EQ(back->live[0].index, 9u);
  EXPECT_EQ(back->live[0].choice, 1u);
}

}  // namespace
}  // namespace troupe::cluster
