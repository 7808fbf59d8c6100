// The GPUs of this machine as its node announces them: what the CUDA device
// program lists, as far as the configuration takes it. Looks by starting that
// program; nothing of CUDA's comes into this process.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/device_list.hpp"
#include "config/options.hpp"
#include "core/device.hpp"

namespace troupe {

struct Gpu {
  DeviceInfo info;  // Without kinds: each executor adds its own.
  std::uint32_t ordinal = 0;
  std::int32_t sm = 0;
};

/// Of devices that are interchangeable: CUDA's name in small letters, without
/// the maker, and with its memory: "h100-80gb", "geforce-rtx-4090-24gb".
std::string gpu_class(std::string_view name, std::uint64_t total_bytes);

/// Those that node.gpus takes: "gpu0" is CUDA's device 0.
std::vector<Gpu> taken_gpus(const NodeConfig& config,
                            const std::vector<cluster::ListedDevice>& listed);

/// How kCudaProgram is started for one of them: with Hopper's own kernels where
/// node.gpu_kernels says so and the device can run them.
std::vector<std::string> serve_arguments(const NodeConfig& config,
                                         const Gpu& gpu);

inline constexpr std::string_view kCudaProgram = "troupe-device-cuda";

struct GpuSearch {
  std::filesystem::path program;
  std::map<std::string, std::string> environment;  // All of it.

  /// The program beside this one, with this process's environment.
  static GpuSearch here();
};

struct FoundGpus {
  std::vector<Gpu> gpus;
  /// Of what was looked for and is not there; empty: all is well.
  std::string why_not;
  /// `why_not` is no fault: there is no driver, or no such program.
  bool expected = true;
};

/// Waits at most node.gpu_search_ms and a little.
FoundGpus find_gpus(const NodeConfig& config, const GpuSearch& search);

}  // namespace troupe
