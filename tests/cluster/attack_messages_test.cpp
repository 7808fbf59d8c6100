// A client with a valid certificate that says what no honest program says:
// messages in another's name, to others' actors, to steer or to crash the
// node. A victim looks on and must notice nothing.
#include <caf/error.hpp>
#include <caf/message.hpp>
#include <chrono>

#include "tests/cluster/attack_fixture.hpp"

namespace troupe::cluster {
namespace {

/// A message in a message in a message, as deep as a megabyte allows.
std::string nested_without_end() {
  const auto type = caf::type_id_v<caf::message>;
  const std::string level{'\1', static_cast<char>(type >> 8),
                          static_cast<char>(type & 0xff)};
  std::string nested;
  while (nested.size() + level.size() < 1000 * 1000) nested += level;
  return nested + varint(0);
}

TEST_F(AttackTest, ARoutedMessageEndsItsConnection) {
  auto anna = admin();
  const auto seat = anna->take_seat(address());
  ASSERT_TRUE(seat);
  auto raw = peer();
  // "From" the administrator's node, to the administrator's session.
  raw->send(to_wire({Wire::routed_message, 0, 0, 0, 1, seat->session->id()},
                    to_wire(anna->sys.node()) + to_wire(node->node()) +
                        to_wire(submit_frame())));
  EXPECT_TRUE(raw->closed_by_node());
  EXPECT_TRUE(anna->ask(seat->session, StatusRequest{}));
  EXPECT_EQ(submits(), 0u);
}

TEST_F(AttackTest, AGuessedActorIdReachesNobody) {
  auto anna = admin();
  const auto seat = anna->take_seat(address());
  ASSERT_TRUE(seat);
  auto raw = peer();
  for (std::uint64_t id = 1; id < 200; ++id) {
    if (id == raw->gate()) continue;
    // With a sender, and with none.
    raw->send(to_wire({Wire::direct_message, 0, 0, 0, kMe, id},
                      to_wire(submit_frame())));
    raw->send(to_wire({Wire::direct_message, 0, 0, 0, 0, id},
                      to_wire(submit_frame())));
  }
  EXPECT_NE(session_of(*raw), 0u);  // Behind all of them.
  EXPECT_TRUE(anna->ask(seat->session, StatusRequest{}));
  EXPECT_EQ(submits(), 0u);
}

TEST_F(AttackTest, SystemActorsAreReachedByNoName) {
  auto raw = peer();
  for (const std::uint64_t name : {1, 2})
    raw->send(to_wire({Wire::direct_message, 1, 0, kRequest, kMe, name},
                      to_wire(submit_frame())));
  std::string payload;
  EXPECT_NE(session_of(*raw), 0u);
  expect_still_answering();
}

TEST_F(AttackTest, AForgedAnswerEndsItsSendersConnection) {
  auto victim = anna();
  const auto seat = session_of(*victim);
  ASSERT_NE(seat, 0u);
  PullRequest held;
  held.wait_ms = 20'000;  // So that her session waits for an answer.
  victim->send(request_to(seat, request_frame(held)));
  auto raw = peer();
  for (std::uint64_t id = 1; id < 20; ++id)
    raw->send(to_wire({Wire::direct_message, 0, 0, kResponse | id, kMe, seat},
                      to_wire(caf::make_message(PullReply{}))));
  EXPECT_TRUE(raw->closed_by_node());
  expect_undisturbed(*victim, seat);
}

TEST_F(AttackTest, AStreamMessageEndsItsConnection) {
  // CAF takes what comes under such an id for one of its own structs, unseen.
  const std::uint64_t word = 0x4141'4141'4141'4141;
  const auto content = caf::make_message(word, word, word, word, word, word,
                                         word, word, word, word);
  for (const std::uint64_t id : {kStream, kStream | 1, kStream | kRequest}) {
    auto raw = peer();
    raw->send(to_wire({Wire::direct_message, 0, 0, id, kMe, raw->gate()},
                      to_wire(content)));
    EXPECT_TRUE(raw->closed_by_node());
  }
  expect_still_answering();
}

TEST_F(AttackTest, AMessageThatNestsWithoutEndIsDropped) {
  auto raw = peer();
  raw->send(to_wire({Wire::direct_message, 0, 0, 0, kMe, raw->gate()},
                    varint(0) + nested_without_end()));
  EXPECT_NE(session_of(*raw), 0u);
  expect_still_answering();
}

TEST_F(AttackTest, AReasonThatNestsWithoutEndIsNotRead) {
  auto raw = peer();
  const std::string code{'\1', '\1', '\0', '\1'};  // Present; code; category.
  // Of an actor beside the one that goes on asking: CAF takes the news in
  // behind what arrived with it, and answers none of an actor that has ended.
  raw->send(to_wire({Wire::down_message, 0, 0, 0, kMe + 1, 0},
                    to_wire(made_up_node()) + to_wire(node->node()) + code +
                        nested_without_end()));
  EXPECT_NE(session_of(*raw), 0u);
  expect_still_answering();
}

TEST_F(AttackTest, AMessageToPassOnIsDropped) {
  auto victim = anna();
  const auto seat = session_of(*victim);
  auto raw = peer();
  const auto own = session_of(*raw);
  ASSERT_TRUE(seat != 0 && own != 0);
  // "Give your answer to her actor, as a message from me."
  const auto frame = to_wire(request_frame(StatusRequest{}));
  raw->send(
      to_wire({Wire::direct_message, 0, 0, kRequest, kMe, own},
              varint(1) + actor_on_wire(kMe, anna_node()) + frame.substr(1)));
  EXPECT_NE(session_of(*raw), 0u);  // Behind it.
  expect_undisturbed(*victim, seat);
}

TEST_F(AttackTest, NobodyEndsTheActorsOfAnotherNode) {
  auto victim = anna();
  const auto seat = session_of(*victim);
  ASSERT_NE(seat, 0u);
  PullRequest held;
  held.wait_ms = 20'000;
  victim->send(request_to(seat, request_frame(held)));
  auto raw = peer();
  raw->send(to_wire(
      {Wire::down_message, 0, 0, 0, kMe, 0},  // "Hers has ended."
      to_wire(anna_node()) + to_wire(node->node()) + std::string(1, '\0')));
  EXPECT_NE(session_of(*raw), 0u);
  let_pulls_go();
  std::string payload;
  ASSERT_TRUE(victim->next(payload)) << "the answer got lost";
  EXPECT_NE(payload.find("pull.ok"), std::string::npos);
}

TEST_F(AttackTest, TheNodeIsNoRelay) {
  auto victim = anna();
  const auto seat = session_of(*victim);
  ASSERT_NE(seat, 0u);
  auto raw = peer();
  raw->send(to_wire(
      {Wire::down_message, 0, 0, 0, seat, 0},  // "Hers has ended"
      to_wire(node->node()) + to_wire(anna_node()) + std::string(1, '\0')));
  raw->send(to_wire({Wire::monitor_message, 0, 0, 0, 0, kMe},
                    to_wire(node->node()) + to_wire(anna_node())));
  EXPECT_NE(session_of(*raw), 0u);
  expect_undisturbed(*victim, seat);
}

TEST_F(AttackTest, NobodyAsksForNewsInTheNameOfAnotherNode) {
  auto victim = anna();
  const auto seat = session_of(*victim);
  ASSERT_NE(seat, 0u);
  auto raw = peer();
  raw->send(to_wire({Wire::monitor_message, 0, 0, 0, 0, 0},
                    to_wire(anna_node()) + to_wire(node->node())));
  EXPECT_NE(session_of(*raw), 0u);
  expect_undisturbed(*victim, seat);
}

TEST_F(AttackTest, APeerWithTooManyActorsIsClosed) {
  auto raw = peer();
  const std::string nothing = varint(0) + varint(0);
  const auto from = [&](std::uint64_t actor) {
    return to_wire({Wire::direct_message, 0, 0, 0, actor, raw->gate()},
                   nothing);
  };
  for (std::uint64_t actor = 1; actor <= 10'000; ++actor)
    ASSERT_TRUE(raw->send(from(actor)));
  ASSERT_NE(session_of(*raw), 0u);  // At the limit; kMe is one of them.
  for (std::uint64_t actor = 10'001; actor <= 11'000; ++actor)
    if (!raw->send(from(actor))) break;
  EXPECT_TRUE(raw->closed_by_node());
  expect_still_answering();
}

TEST_F(AttackTest, ANamelessPeerOccupiesNoNames) {
  {
    RawPeer nameless{address().port, mallory()};
    nameless.introduce_as(caf::node_id{});
    nameless.send(to_wire({Wire::client_handshake}, to_wire(anna_node())));
    nameless.send(to_wire({Wire::client_handshake}, to_wire(anna_node())));
    EXPECT_TRUE(nameless.closed_by_node());
  }
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds{10};
  std::uint64_t seat = 0;
  while (seat == 0 && std::chrono::steady_clock::now() < deadline)
    seat = session_of(*anna());
  EXPECT_NE(seat, 0u) << "her name is taken though nobody has it";
}

TEST_F(OneSeatNodeTest, ABrokenMessageEndsTheSessionBehindIt) {
  auto raw = peer();
  ASSERT_NE(session_of(*raw), 0u);
  raw->send(to_wire({Wire::heartbeat, 0, 5}));  // A heartbeat has no payload.
  EXPECT_TRUE(raw->closed_by_node());
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds{10};
  auto seat = admin()->take_seat(address());
  while (!seat && std::chrono::steady_clock::now() < deadline)
    seat = admin()->take_seat(address());
  EXPECT_TRUE(seat) << seat.error().message;
}

}  // namespace
}  // namespace troupe::cluster
