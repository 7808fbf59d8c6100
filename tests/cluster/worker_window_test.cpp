// What head and worker owe each other, without a wire.
#include <gtest/gtest.h>

#include <algorithm>

#include "cluster/worker_news.hpp"
#include "cluster/worker_window.hpp"

namespace troupe::cluster {
namespace {

Token token(std::uint64_t job, std::uint32_t attempt = 1) {
  return {7, JobId{1, job}, attempt};
}

Assignment start(std::uint64_t job, std::size_t params_bytes = 2) {
  Assignment a;
  a.token = token(job);
  a.spec.id = a.token.job;
  a.spec.kind = "noop";
  a.spec.params = std::string(params_bytes, ' ');
  a.device = "far/cpu";
  return a;
}

WorkerExchange with_credit(std::uint32_t credit) {
  WorkerExchange exchange;
  exchange.credit = credit;
  return exchange;
}

AttemptEnd end_of(const Token& token) {
  return {token, JobEnd{}};
}

TEST(WorkerWindowTest, DevicesAreKnownUnderTheirWorkersName) {
  WorkerWindow window{"far"};
  const auto devices = window.offer({{{.name = "cpu", .kinds = {"noop"}}}});
  ASSERT_TRUE(devices);
  ASSERT_EQ(devices->size(), 1u);
  EXPECT_EQ(devices->front().name, "far/cpu");
}

TEST(WorkerWindowTest, ADeviceThatIsNotOfferedAnyMoreServesNothing) {
  WorkerWindow window{"far"};
  ASSERT_TRUE(window.offer(
      {{{.name = "a", .kinds = {"noop"}}, {.name = "b", .kinds = {"noop"}}}}));
  const auto devices = window.offer({{{.name = "b", .kinds = {"noop"}}}});
  ASSERT_TRUE(devices);
  ASSERT_EQ(devices->size(), 2u);
  EXPECT_EQ((*devices)[1].name, "far/a");
  EXPECT_TRUE((*devices)[1].kinds.empty());
}

TEST(WorkerWindowTest, ADeviceWithoutNameOrSlotsOrTwiceIsRefused) {
  WorkerWindow window{"far"};
  for (const auto& wrong :
       {WorkerHello{{{.name = ""}}}, WorkerHello{{{.name = "a", .slots = 0}}},
        WorkerHello{{{.name = "a"}, {.name = "a"}}}}) {
    const auto devices = window.offer(wrong);
    ASSERT_FALSE(devices);
    EXPECT_EQ(devices.error().code, Errc::invalid_argument);
  }
}

TEST(WorkerWindowTest, ModelsToDropTravelBeforeTheStarts) {
  WorkerWindow window{"far"};
  window.take(with_credit(1));
  window.drop({{"far/cpu", "text", "m"}});
  ASSERT_TRUE(window.has_orders());
  window.assign({start(1)});
  const auto orders = window.orders();
  ASSERT_EQ(orders.drops.size(), 1u);
  EXPECT_EQ(orders.drops[0].device, "cpu");
  EXPECT_EQ(orders.starts.size(), 1u);
  EXPECT_FALSE(window.has_orders());
  WorkerExchange exchange;
  exchange.dropped = orders.drops;
  const auto news = window.take(exchange);
  ASSERT_EQ(news.dropped.size(), 1u);
  EXPECT_EQ(news.dropped[0].device, "far/cpu");
}

TEST(WorkerWindowTest, StartsKeepToTheCredit) {
  WorkerWindow window{"far"};
  window.assign({start(1), start(2), start(3)});
  EXPECT_FALSE(window.has_orders());  // It has not said what it takes.
  window.take(with_credit(2));
  auto orders = window.orders();
  ASSERT_EQ(orders.starts.size(), 2u);
  EXPECT_EQ(orders.starts[0].device, "cpu");
  EXPECT_FALSE(window.has_orders());
  auto more = with_credit(2);
  more.ended.push_back(end_of(token(1)));
  EXPECT_EQ(window.take(std::move(more)).ended.size(), 1u);
  EXPECT_EQ(window.orders().starts.size(), 1u);
}

TEST(WorkerWindowTest, StartsAreCutToTheSizeOfAFrame) {
  WorkerWindow window{"far"};
  for (std::uint64_t job = 1; job <= 20; ++job)
    window.assign({start(job, 16 * 1024)});
  window.take(with_credit(100));
  std::size_t starts = 0;
  while (window.has_orders()) {
    const auto frame = reply_frame<WorkerExchange>(window.orders());
    EXPECT_LE(frame.bytes.size(), kMaxFrameBytes);
    starts += read_reply<WorkerExchange>(frame)->starts.size();
  }
  EXPECT_EQ(starts, 20u);
}

TEST(WorkerWindowTest, AnEndWithoutItsTokenIsStale) {
  WorkerWindow window{"far"};
  window.assign({start(1)});
  window.take(with_credit(1));
  window.orders();
  auto late = with_credit(1);
  late.ended = {end_of(token(1, 2)), end_of(token(9)), end_of(token(1)),
                end_of(token(1))};
  EXPECT_EQ(window.take(std::move(late)).ended.size(), 1u);
  const auto orders = window.orders();
  EXPECT_EQ(orders.stale, (std::vector{token(1, 2), token(9), token(1)}));
}

TEST(WorkerWindowTest, NothingCountsOfWhatItDoesNotRun) {
  WorkerWindow window{"far"};
  window.assign({start(1)});
  window.take(with_credit(1));
  window.orders();
  auto exchange = with_credit(1);
  exchange.alive = {token(1), token(2)};
  exchange.live.resize(3);
  exchange.live[0].job = token(1).job;
  exchange.live[0].attempt = 1;
  exchange.live[1].job = token(1).job;
  exchange.live[1].attempt = 2;
  const auto news = window.take(std::move(exchange));
  EXPECT_EQ(news.alive, std::vector{token(1)});
  EXPECT_EQ(news.live.size(), 1u);
}

TEST(WorkerWindowTest, AStopOfWhatHasNotLeftEndsItHere) {
  WorkerWindow window{"far"};
  window.assign({start(1), start(2), start(3)});
  const auto ends = window.stop({{token(1), StopReason::cancelled},
                                 {token(2), StopReason::fenced},
                                 {token(3), StopReason::timeout}});
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_EQ(ends[0].end.state, JobState::cancelled);
  EXPECT_EQ(ends[1].end.failure->klass, FailureClass::timeout);
  EXPECT_EQ(window.waiting(), 0u);
}

TEST(WorkerWindowTest, AFencedAttemptsEndComesTooLate) {
  WorkerWindow window{"far"};
  window.assign({start(1)});
  window.take(with_credit(1));
  window.orders();
  EXPECT_TRUE(window.stop({{token(1), StopReason::fenced}}).empty());
  EXPECT_EQ(window.orders().stops.size(), 1u);
  auto late = with_credit(1);
  late.ended = {end_of(token(1))};
  EXPECT_TRUE(window.take(std::move(late)).ended.empty());
}

// -- the worker's side --------------------------------------------------------

LiveEvent line(std::size_t bytes) {
  LiveEvent event;
  event.type = LiveType::log;
  event.log = LogLine{"stdout", std::string(bytes, 'x')};
  return event;
}

TEST(WorkerNewsTest, NewsIsCutToTheSizeOfAFrameAndNoneIsLost) {
  WorkerNews news{1'000};
  for (std::uint64_t job = 0; job < 100; ++job) {
    AttemptEnd end = end_of(token(job));
    end.end.result = "\"" + std::string(4'000, 'r') + "\"";
    news.ended(std::move(end));
    news.live({line(2'000)});
    news.alive({token(job)});
  }
  std::size_t ends = 0, lines = 0, alive = 0;
  while (!news.empty()) {
    const auto part = news.take();
    EXPECT_LE(to_msgpack(part).size(), kMaxFrameBytes);
    EXPECT_TRUE(part.ended.empty() || lines + part.live.size() == 100);
    ends += part.ended.size();
    lines += part.live.size();
    alive += part.alive.size();
  }
  EXPECT_EQ(ends, 100u);
  EXPECT_EQ(lines, 100u);
  EXPECT_EQ(alive, 100u);
}

TEST(WorkerNewsTest, AnEndTooLongForAFrameFailsTheAttempt) {
  WorkerNews news{10};
  AttemptEnd end = end_of(token(1));
  end.end.result = std::string(70'000, 'r');
  news.ended(std::move(end));
  const auto part = news.take();
  ASSERT_EQ(part.ended.size(), 1u);
  EXPECT_EQ(part.ended[0].end.state, JobState::failed);
  EXPECT_EQ(part.ended[0].end.failure->reason, "result_too_large");
}

TEST(WorkerNewsTest, OfLiveEventsTheNewestAreKept) {
  WorkerNews news{2};
  news.live({line(1), line(2), line(3), line(100'000)});
  const auto part = news.take();
  ASSERT_EQ(part.live.size(), 2u);
  EXPECT_EQ(part.live[0].log->text.size(), 2u);
  EXPECT_EQ(news.live_dropped(), 2u);
}

// -- frames of version 1: never change these bytes ----------------------------

constexpr std::string_view kHello =
    "82a7646576696365739185a46e616d65a467707530a5636c617373a463756461ac6d65"
    "6d6f72795f6279746573cd1000a5736c6f747302a56b696e647391a46e6f6f70a4616e"
    "6577c3";
constexpr std::string_view kExchange =
    "83a5656e6465649182a5746f6b656e83a565706f636807a36a6f62c410000000000000"
    "00010000000000000005a7617474656d707403a3656e6482a5737461746504a6726573"
    "756c74a27b7da5616c6976659183a565706f636807a36a6f62c4100000000000000001"
    "0000000000000006a7617474656d707401a663726564697409";
constexpr std::string_view kOrders =
    "83a573746f70739182a5746f6b656e83a565706f636807a36a6f62c410000000000000"
    "00010000000000000003a7617474656d707401a6726561736f6e02a673746172747391"
    "84a5746f6b656e83a565706f636807a36a6f62c4100000000000000001000000000000"
    "0004a7617474656d707401a47370656389a776657273696f6e01a26964c41000000000"
    "000000010000000000000004a46b696e64a46e6f6f70a6706172616d73a22020a87072"
    "696f7269747902ac7375626d69747465645f6d7300a5726574727984ac6d61785f6174"
    "74656d70747303aa6261636b6f66665f6d73cd03e8ae6d61785f6261636b6f66665f6d"
    "73cdea60b26f6e5f636f6d6d616e645f6661696c757265c2a76f6e5f6c6f737401ac6d"
    "656d6f72795f627974657300a6646576696365a3637075ac6d656d6f72795f62797465"
    "7300a57374616c659183a565706f636807a36a6f62c410000000000000000100000000"
    "00000008a7617474656d707401";

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(
        std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (const unsigned char c : bytes) {
    hex.push_back("0123456789abcdef"[c >> 4]);
    hex.push_back("0123456789abcdef"[c & 15]);
  }
  return hex;
}

WorkerHello a_hello() {
  return {{{.name = "gpu0",
            .klass = "cuda",
            .memory_bytes = 4096,
            .slots = 2,
            .kinds = {"noop"}}},
          true};
}

WorkerExchange an_exchange() {
  WorkerExchange exchange = with_credit(9);
  exchange.ended = {end_of(token(5, 3))};
  exchange.ended[0].end.result = "{}";
  exchange.alive = {token(6)};
  return exchange;
}

WorkerOrders some_orders() {
  WorkerOrders orders;
  orders.stops = {{token(3), StopReason::timeout}};
  orders.starts = {start(4)};
  orders.starts[0].device = "cpu";
  orders.stale = {token(8)};
  return orders;
}

TEST(WorkerFramesTest, AHelloOfVersionOneIsWrittenAndRead) {
  EXPECT_EQ(to_hex(to_msgpack(a_hello())), kHello);
  const auto hello = from_msgpack<WorkerHello>(from_hex(kHello));
  ASSERT_TRUE(hello) << hello.error().message;
  ASSERT_EQ(hello->devices.size(), 1u);
  EXPECT_EQ(hello->devices[0].name, "gpu0");
  EXPECT_EQ(hello->devices[0].slots, 2u);
  EXPECT_EQ(hello->devices[0].kinds, std::vector<std::string>{"noop"});
  EXPECT_TRUE(hello->anew);
}

TEST(WorkerFramesTest, AnExchangeOfVersionOneIsWrittenAndRead) {
  EXPECT_EQ(to_hex(to_msgpack(an_exchange())), kExchange);
  const auto exchange = from_msgpack<WorkerExchange>(from_hex(kExchange));
  ASSERT_TRUE(exchange) << exchange.error().message;
  ASSERT_EQ(exchange->ended.size(), 1u);
  EXPECT_EQ(exchange->ended[0].token, token(5, 3));
  EXPECT_EQ(exchange->ended[0].end.result, "{}");
  EXPECT_EQ(exchange->alive, std::vector{token(6)});
  EXPECT_EQ(exchange->credit, 9u);
}

TEST(WorkerFramesTest, OrdersOfVersionOneAreWrittenAndRead) {
  EXPECT_EQ(to_hex(to_msgpack(some_orders())), kOrders);
  const auto orders = from_msgpack<WorkerOrders>(from_hex(kOrders));
  ASSERT_TRUE(orders) << orders.error().message;
  ASSERT_EQ(orders->starts.size(), 1u);
  EXPECT_EQ(orders->starts[0].token, token(4));
  EXPECT_EQ(orders->starts[0].device, "cpu");
  ASSERT_EQ(orders->stops.size(), 1u);
  EXPECT_EQ(orders->stops[0].reason, StopReason::timeout);
  EXPECT_EQ(orders->stale, std::vector{token(8)});
}

}  // namespace
}  // namespace troupe::cluster
