#include "client/call_table.hpp"

#include <algorithm>
#include <utility>

namespace troupe::client {

void CallTable::add(Call call) {
  calls_[++last_number_].call = std::move(call);
}

void CallTable::send_due(
    SteadyMs now_ms, const std::function<void(std::uint64_t, Call&)>& send) {
  for (auto& [number, waiting] : calls_) {
    if (waiting.sent || waiting.not_before_ms > now_ms) continue;
    waiting.sent = true;
    send(number, waiting.call);
  }
}

const Call* CallTable::find(std::uint64_t number) const {
  const auto it = calls_.find(number);
  return it == calls_.end() ? nullptr : &it->second.call;
}

void CallTable::postpone(std::uint64_t number, SteadyMs until_ms) {
  const auto it = calls_.find(number);
  TROUPE_ASSERT(it != calls_.end());
  it->second.sent = false;
  it->second.not_before_ms = until_ms;
}

std::optional<Call> CallTable::take(std::uint64_t number) {
  auto node = calls_.extract(number);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped().call);
}

std::vector<Call> CallTable::take_if(
    const std::function<bool(const Waiting&)>& wanted) {
  std::vector<Call> taken;
  for (auto it = calls_.begin(); it != calls_.end();) {
    if (!wanted(it->second)) {
      ++it;
      continue;
    }
    taken.push_back(std::move(it->second.call));
    it = calls_.erase(it);
  }
  return taken;
}

std::vector<Call> CallTable::connection_lost() {
  auto unknown =
      take_if([](const Waiting& w) { return w.sent && !w.call.repeatable; });
  for (auto& [number, waiting] : calls_) {
    waiting.sent = false;
    waiting.not_before_ms = 0;
  }
  return unknown;
}

std::vector<Call> CallTable::take_expired(SteadyMs now_ms) {
  return take_if(
      [now_ms](const Waiting& w) { return w.call.deadline_ms <= now_ms; });
}

std::vector<Call> CallTable::take_type(std::string_view type) {
  return take_if([type](const Waiting& w) { return w.call.type == type; });
}

std::vector<Call> CallTable::drain() {
  return take_if([](const Waiting&) { return true; });
}

std::optional<SteadyMs> CallTable::next_time() const {
  std::optional<SteadyMs> next;
  const auto consider = [&next](SteadyMs at) {
    next = next ? std::min(*next, at) : at;
  };
  for (const auto& [number, waiting] : calls_) {
    consider(waiting.call.deadline_ms);
    if (!waiting.sent && waiting.not_before_ms > 0)
      consider(waiting.not_before_ms);
  }
  return next;
}

}  // namespace troupe::client
