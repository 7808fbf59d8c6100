#include "cluster/worker_window.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "actors/event_rings.hpp"

namespace troupe::cluster {
namespace {

// Of a frame, for starts; the rest is for stops and what stands around.
constexpr std::size_t kStartBytes = kMaxFrameBytes - 12 * 1024;
constexpr std::size_t kMaxStops = 64;

std::size_t wire_bytes(const Assignment& a) {
  std::size_t n = 160 + troupe::wire_bytes(a.spec) + a.device.size();
  for (const auto& in : a.inputs) n += 32 + in.name.size() + in.sha256.size();
  return n;
}

template <class T>
std::vector<T> take_front(std::vector<T>& list, std::size_t most) {
  const auto end =
      list.begin() + static_cast<std::ptrdiff_t>(std::min(most, list.size()));
  std::vector<T> front(std::make_move_iterator(list.begin()),
                       std::make_move_iterator(end));
  list.erase(list.begin(), end);
  return front;
}

}  // namespace

Result<std::vector<DeviceInfo>> WorkerWindow::offer(const WorkerHello& hello) {
  std::vector<DeviceInfo> devices;
  for (auto device : hello.devices) {
    if (device.name.empty() || device.slots == 0)
      return Error{Errc::invalid_argument,
                   "each device needs a name and at least one slot"};
    device.name = prefix_ + device.name;
    if (std::ranges::find(devices, device.name, &DeviceInfo::name) !=
        devices.end())
      return Error{Errc::invalid_argument,
                   "device \"" + device.name + "\" is offered twice"};
    devices.push_back(std::move(device));
  }
  for (auto& old : offered_) {
    if (std::ranges::find(devices, old.name, &DeviceInfo::name) !=
        devices.end())
      continue;
    old.kinds.clear();
    devices.push_back(std::move(old));
  }
  offered_ = devices;
  return devices;
}

void WorkerWindow::assign(std::vector<Assignment> list) {
  std::ranges::move(list, std::back_inserter(starts_));
}

std::vector<AttemptEnd> WorkerWindow::stop(
    const std::vector<StopOrder>& orders) {
  std::vector<AttemptEnd> ends;
  for (const auto& order : orders) {
    const auto here =
        std::ranges::find(starts_, order.token, &Assignment::token);
    if (here != starts_.end()) {
      starts_.erase(here);
      if (order.reason != StopReason::fenced)
        ends.push_back(never_begun(order));
      continue;
    }
    if (!is_out(order.token)) continue;
    if (order.reason == StopReason::fenced) out_.erase(order.token.job);
    stops_.push_back(order);
  }
  return ends;
}

void WorkerWindow::drop(const std::vector<ModelDrop>& drops) {
  for (auto one : drops) {
    one.device.erase(0, prefix_.size());
    drops_.push_back(std::move(one));
  }
}

AttemptEnd WorkerWindow::never_begun(const StopOrder& order) {
  JobEnd end;
  end.state = order.reason == StopReason::cancelled ? JobState::cancelled
              : order.reason == StopReason::expired ? JobState::expired
                                                    : JobState::failed;
  if (end.state == JobState::failed)
    end.failure = Failure{
        order.reason == StopReason::timeout ? FailureClass::timeout
                                            : FailureClass::transient,
        "stopped_before_start",
        "the attempt was stopped (" + std::string(to_string(order.reason)) +
            ") before its worker had room for it",
        {}};
  return {order.token, std::move(end)};
}

bool WorkerWindow::is_out(const Token& token) const {
  const auto it = out_.find(token.job);
  return it != out_.end() && it->second == token;
}

WorkerWindow::News WorkerWindow::take(WorkerExchange exchange) {
  News news;
  credit_ = exchange.credit;
  // Live events first: an attempt's last ones come with its end.
  std::erase_if(exchange.live, [this](const LiveEvent& event) {
    const auto it = out_.find(event.job);
    return it == out_.end() || it->second.attempt != event.attempt;
  });
  news.live = std::move(exchange.live);
  for (auto& end : exchange.ended) {
    if (!is_out(end.token)) {
      stale_.push_back(end.token);
      continue;
    }
    out_.erase(end.token.job);
    news.ended.push_back(std::move(end));
  }
  for (auto& drop : exchange.dropped) {
    drop.device.insert(0, prefix_);
    news.dropped.push_back(std::move(drop));
  }
  std::erase_if(exchange.alive,
                [this](const Token& token) { return !is_out(token); });
  news.alive = std::move(exchange.alive);
  return news;
}

WorkerOrders WorkerWindow::orders() {
  WorkerOrders orders;
  orders.stops = take_front(stops_, kMaxStops);
  orders.stale = take_front(stale_, kMaxStops);
  std::size_t bytes = 0;
  while (!drops_.empty() && bytes + wire_bytes(drops_.front()) < kStartBytes) {
    bytes += wire_bytes(drops_.front());
    orders.drops.push_back(std::move(drops_.front()));
    drops_.erase(drops_.begin());
  }
  // A start that was decided after a drop must not come before it.
  while (!starts_.empty() && out_.size() < credit_ && drops_.empty()) {
    auto& next = starts_.front();
    bytes += wire_bytes(next);
    if (bytes > kStartBytes && !(orders.starts.empty() && orders.drops.empty()))
      break;
    next.device.erase(0, prefix_.size());
    out_[next.token.job] = next.token;
    orders.starts.push_back(std::move(next));
    starts_.pop_front();
  }
  return orders;
}

}  // namespace troupe::cluster
