// The calls of a connection that have no answer yet: which are to be sent, sent
// again, given up. Sends nothing itself, calls nobody back.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "client/connection.hpp"

namespace troupe::client {

/// Not thread-safe. Numbers grow in the order the calls were made.
class CallTable {
 public:
  void add(Call call);

  /// Hands every call that is to be sent now to `send`, oldest first; they
  /// count as sent from then on. The bytes of calls that are not repeatable
  /// may be moved from.
  void send_due(SteadyMs now_ms,
                const std::function<void(std::uint64_t, Call&)>& send);

  /// Null: unknown, or answered already.
  const Call* find(std::uint64_t number) const;
  /// To be sent again from then on. REQUIRES: find(number).
  void postpone(std::uint64_t number, SteadyMs until_ms);

  /// Takes one out that is answered.
  std::optional<Call> take(std::uint64_t number);
  /// Takes out what was sent and must not be sent again; the rest will be.
  std::vector<Call> connection_lost();
  std::vector<Call> take_expired(SteadyMs now_ms);
  std::vector<Call> take_type(std::string_view type);
  std::vector<Call> drain();

  /// When send_due() or take_expired() will have something to do, apart from
  /// what waits for a connection. Nothing: never.
  std::optional<SteadyMs> next_time() const;

 private:
  struct Waiting {
    Call call;
    SteadyMs not_before_ms = 0;
    bool sent = false;
  };
  std::vector<Call> take_if(const std::function<bool(const Waiting&)>& wanted);

  std::map<std::uint64_t, Waiting> calls_;
  std::uint64_t last_number_ = 0;
};

}  // namespace troupe::client
