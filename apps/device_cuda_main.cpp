// The program troupe-device-cuda: the CUDA devices of a machine. `list` prints
// a line of JSON for each that can be used; `serve ORDINAL` is one of them,
// started by its node and spoken to over standard input and output, `serve
// ORDINAL hopper` the same with Hopper's own kernels. The driver is looked for
// when it is asked: without one it starts, and says so.
#include <charconv>
#include <iostream>
#include <string>
#include <string_view>

#include "apps/device_program.hpp"
#include "cluster/device_list.hpp"
#include "codec/json.hpp"
#include "kernels/cuda_context.hpp"
#include "kernels/hopper/ops.hpp"

namespace {

using troupe::cluster::ListedDevice;

constexpr std::string_view kName = "troupe-device-cuda";
constexpr int kFailed = 1;
constexpr int kMisused = 2;

void say(const std::string& text) {
  std::cerr << kName << ": " << text << '\n';
}

int fail(int code, const std::string& why) {
  say(why);
  return code;
}

/// On standard error why one of them is left out.
int list() {
  const auto devices = troupe::cuda_devices();
  if (!devices)
    return fail(devices.error().code == troupe::Errc::not_found
                    ? troupe::cluster::kNoDeviceExit
                    : kFailed,
                devices.error().message);
  int usable = 0;
  for (const auto& device : *devices) {
    const auto which =
        "device " + std::to_string(device.ordinal) + ", " + device.name + ", ";
    if (device.sm < troupe::kLeastCudaSm) {
      say(which + "is left out: its compute capability is " +
          std::to_string(device.sm) + ", at least " +
          std::to_string(troupe::kLeastCudaSm) + " is needed");
      continue;
    }
    const auto free = troupe::cuda_free_bytes(device.ordinal);
    if (!free) {
      say(which + "is left out: " + free.error().message);
      continue;
    }
    const ListedDevice listed{
        .ordinal = device.ordinal,
        .name = device.name,
        .sm = device.sm,
        .total_bytes = static_cast<std::uint64_t>(device.bytes),
        .free_bytes = static_cast<std::uint64_t>(*free),
        .driver = troupe::cuda_driver_version()};
    std::cout << troupe::dump_json(troupe::to_json(listed)) << std::endl;
    ++usable;
  }
  if (usable > 0) return 0;
  return fail(troupe::cluster::kNoDeviceExit, "no CUDA device can be used");
}

int serve(std::string_view word, bool hopper) {
  std::uint32_t ordinal = 0;
  const auto* end = word.data() + word.size();
  if (const auto read = std::from_chars(word.data(), end, ordinal);
      read.ec != std::errc{} || read.ptr != end)
    return fail(kMisused, "'" + std::string(word) + "' is no device's number");
  troupe::become_device_process();
  const auto opened = troupe::OpenCudaDevice::open(ordinal, 0);
  if (!opened) return fail(kFailed, opened.error().message);
  auto& context = (*opened)->context();
  if (hopper && context.device.sm != troupe::kHopperSm)
    return fail(kMisused, "Hopper's kernels are for compute capability " +
                              std::to_string(troupe::kHopperSm) + ", not for " +
                              std::to_string(context.device.sm));
  if (hopper) context.cuda_ops = troupe::kernels::hopper_ops();
  return troupe::serve_node(kName, context);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view order = argc > 1 ? argv[1] : "";
  if (order == "list" && argc == 2) return list();
  if (order == "serve" && argc == 3) return serve(argv[2], false);
  if (order == "serve" && argc == 4 && std::string_view{argv[3]} == "hopper")
    return serve(argv[2], true);
  return fail(kMisused,
              "say `list`, or `serve ORDINAL` as a node does; `troupe doctor` "
              "tells which devices there are");
}
