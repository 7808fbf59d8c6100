// The frames between a head and a worker: a process elsewhere that runs
// attempts. The worker asks, the head answers when it has work; everything
// that waits for the other side travels in one frame.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/executor.hpp"
#include "cluster/frames.hpp"
#include "core/device.hpp"
#include "core/live.hpp"

namespace troupe {

/// What the worker offers: its devices, each with slots and the kinds served
/// there, named as the worker names them. Sent again when that changes; a
/// device that is not in the list any more serves nothing.
struct WorkerHello {
  std::vector<DeviceInfo> devices;
  /// Nothing runs there: whatever a seat of this worker had handed out is
  /// lost.
  bool anew = false;
};
struct WorkerWelcome {
  std::string worker;             // Before its devices' names, with a '/'.
  std::int64_t heartbeat_ms = 0;  // It must be heard of as often as this;
  std::int64_t silence_ms = 0;    // silent so long, it is given up.
};

/// What happened there, and room for what is to be done. The head keeps two
/// of them and answers the oldest when it has orders, or a third comes.
struct WorkerExchange {
  std::vector<AttemptEnd> ended;
  std::vector<ModelDrop> dropped;  // After the ends.
  std::vector<LiveEvent> live;
  std::vector<Token> alive;  // Their leases are renewed.
  std::uint32_t credit = 0;  // Attempts it takes at a time, running ones too.
};
struct WorkerOrders {
  // To be followed in this order; `device` as the worker names it.
  std::vector<StopOrder> stops;
  std::vector<ModelDrop> drops;
  std::vector<Assignment> starts;
  std::vector<Token>
      stale;  // Ended under a token that is not current: dropped.
};

/// At most, in a frame.
inline std::size_t wire_bytes(const ModelDrop& drop) {
  return 64 + drop.device.size() + drop.kind.size() + drop.model.size();
}

template <class Inspector>
bool inspect(Inspector& f, WorkerHello& x) {
  return f.object(x).fields(f.field("devices", x.devices),
                            f.field("anew", x.anew));
}
template <class Inspector>
bool inspect(Inspector& f, WorkerWelcome& x) {
  return f.object(x).fields(f.field("worker", x.worker),
                            f.field("heartbeat_ms", x.heartbeat_ms),
                            f.field("silence_ms", x.silence_ms));
}
template <class Inspector>
bool inspect(Inspector& f, WorkerExchange& x) {
  return f.object(x).fields(f.field("ended", x.ended),
                            f.field("dropped", x.dropped),
                            f.field("live", x.live), f.field("alive", x.alive),
                            f.field("credit", x.credit));
}
template <class Inspector>
bool inspect(Inspector& f, WorkerOrders& x) {
  return f.object(x).fields(
      f.field("stops", x.stops), f.field("drops", x.drops),
      f.field("starts", x.starts), f.field("stale", x.stale));
}

template <>
struct FrameOf<WorkerHello> {
  static constexpr std::string_view name = "worker.hello";
  using Reply = WorkerWelcome;
};
template <>
struct FrameOf<WorkerExchange> {
  static constexpr std::string_view name = "worker.exchange";
  using Reply = WorkerOrders;
};

}  // namespace troupe
