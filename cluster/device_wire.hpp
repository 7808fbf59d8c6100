// What a node and a device process of its machine say to each other, over two
// pipes: packets of a length (4 bytes, little-endian) and a msgpack map. The
// first packets name the protocol; where it differs, it ends there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actors/executor.hpp"
#include "core/result.hpp"

namespace troupe::cluster {

// An end holds a job's result; params are a job's.
inline constexpr std::uint32_t kMaxPacketBytes = 64u << 20;

inline constexpr std::uint32_t kDeviceProtocol = 2;

/// Node to device, first.
struct DeviceSetup {
  std::uint32_t protocol = kDeviceProtocol;
  std::vector<std::string> models_dirs;  // See models/model_places.hpp.
  std::uint32_t threads = 0;             // 0: one for each processor.
  std::string isa;                       // Empty: the best there is.
  std::int64_t heartbeat_ms = 0;      // It must be heard of as often as this.
  std::int64_t live_interval_ms = 0;  // Of an attempt's progress.
};

/// Node to device, then: in this order.
struct DeviceOrders {
  std::vector<StopOrder> stops;
  std::vector<ModelDrop> drops;
  std::vector<Assignment> starts;
};

/// Device to node. The first says that it is ready.
struct DeviceSays {
  std::uint32_t protocol = kDeviceProtocol;
  std::vector<AttemptNote> notes;
  std::vector<AttemptEnd> ended;   // After the notes.
  std::vector<ModelDrop> dropped;  // After the ends.
  std::vector<LiveEvent> live;
  std::vector<Token> alive;
  std::uint64_t steps = 0;   // Made since it started.
  std::int64_t step_ms = 0;  // For so long the one at hand has taken.
};

/// Errors: too_large; those of the pipe.
Status write_packet(int fd, std::string_view bytes);

/// Waits at most `timeout_ms` for the next bytes (below 0: for ever).
/// Errors: unavailable (the other end is closed), timeout, too_large.
Result<std::string> read_packet(int fd, std::int64_t timeout_ms);

template <class Inspector>
bool inspect(Inspector& f, DeviceSetup& x) {
  return f.object(x).fields(
      f.field("protocol", x.protocol), f.field("models_dirs", x.models_dirs),
      f.field("threads", x.threads), f.field("isa", x.isa),
      f.field("heartbeat_ms", x.heartbeat_ms),
      f.field("live_interval_ms", x.live_interval_ms));
}
template <class Inspector>
bool inspect(Inspector& f, DeviceOrders& x) {
  return f.object(x).fields(f.field("stops", x.stops),
                            f.field("drops", x.drops),
                            f.field("starts", x.starts));
}
template <class Inspector>
bool inspect(Inspector& f, DeviceSays& x) {
  return f.object(x).fields(
      f.field("protocol", x.protocol), f.field("notes", x.notes),
      f.field("ended", x.ended), f.field("dropped", x.dropped),
      f.field("live", x.live), f.field("alive", x.alive),
      f.field("steps", x.steps), f.field("step_ms", x.step_ms));
}

}  // namespace troupe::cluster
