// One device process as its node holds it: started, spoken to, watched, and
// ended when it is silent. What happens to the attempts is another's to say.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cluster/device_wire.hpp"
#include "platform/spawn.hpp"

namespace troupe::cluster {

/// A step that takes longer hangs: the process is ended.
inline constexpr std::int64_t kMaxDeviceStepMs = 10 * 60 * 1'000;

struct DeviceProcessOptions {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;  // All of it.
  DeviceSetup setup;
  std::int64_t silence_ms = 15'000;  // Silent so long, it is ended.
};

class DeviceProcess {
 public:
  /// Both are called in a thread of its own: `says` for each packet, `ended`
  /// once and last, with why it is gone. The process runs when this returns;
  /// whether it speaks our protocol shows later. Errors: those of spawn().
  static Result<std::unique_ptr<DeviceProcess>> start(
      const DeviceProcessOptions& options, std::function<void(DeviceSays)> says,
      std::function<void(std::string)> ended);
  /// Kills what still runs and waits for it; `ended` is called.
  ~DeviceProcess();

  /// May wait until the process listens. Errors: it is gone.
  Status send(const DeviceOrders& orders);
  std::int32_t pid() const { return child_.identity.pid; }

 private:
  DeviceProcess(platform::Child child, platform::Fd orders, platform::Fd says)
      : child_{std::move(child)},
        orders_{std::move(orders)},
        says_{std::move(says)} {}
  void listen(const DeviceProcessOptions& options,
              const std::function<void(DeviceSays)>& says,
              const std::function<void(std::string)>& ended);
  Status hear(const std::string& packet,
              const std::function<void(DeviceSays)>& says);

  platform::Child child_;
  platform::Fd orders_;
  platform::Fd says_;
  std::thread thread_;
};

}  // namespace troupe::cluster
