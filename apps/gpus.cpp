#include "apps/gpus.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "apps/beside_us.hpp"
#include "config/gpu_choice.hpp"
#include "connectors/process/attempts.hpp"
#include "kernels/device.hpp"

namespace troupe {
namespace {

constexpr std::uint64_t kGiB = 1ull << 30;

std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '.')
      words.back() += static_cast<char>(std::tolower(byte));
    else if (!words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

/// 80 of "80gb".
std::optional<std::uint64_t> size_in(std::string_view word) {
  if (!word.ends_with("gb")) return {};
  word.remove_suffix(2);
  std::uint64_t size = 0;
  const auto read =
      std::from_chars(word.data(), word.data() + word.size(), size);
  if (read.ec != std::errc{} || read.ptr != word.data() + word.size())
    return {};
  return size;
}

std::string numbers_of(const std::vector<cluster::ListedDevice>& devices) {
  std::string text;
  for (const auto& device : devices)
    text += (text.empty() ? "" : ", ") + std::to_string(device.ordinal);
  return text;
}

/// Those that are named and not there.
std::string missing(const GpuChoice& choice,
                    const std::vector<cluster::ListedDevice>& listed) {
  std::string text;
  for (const auto ordinal : choice.ordinals)
    if (std::ranges::find(listed, ordinal, &cluster::ListedDevice::ordinal) ==
        listed.end())
      text += (text.empty() ? "" : ", ") + std::to_string(ordinal);
  return text;
}

/// What to do about it, where we know.
std::string advice(const Error& error) {
  if (error.code == Errc::timeout)
    return "; look at the driver (nvidia-smi), raise node.gpu_search_ms, or "
           "set node.gpus = \"none\"";
  // The linker's words name the library.
  if (error.message.find("libcublas") != std::string::npos)
    return "; install that library of CUDA's (cuBLAS) or set node.gpus = "
           "\"none\"";
  return "; set node.gpus = \"none\" to leave GPUs alone";
}

}  // namespace

std::string gpu_class(std::string_view name, std::uint64_t total_bytes) {
  const auto bytes_size = (total_bytes + kGiB / 2) / kGiB;
  auto size = bytes_size;
  std::string text;
  for (const auto& word : words_of(name)) {
    if (word == "nvidia" || word.starts_with("hbm")) continue;
    if (const auto named = size_in(word)) {
      // What people call it, unless this is a part of the device.
      if (bytes_size * 10 >= *named * 9) size = *named;
      continue;
    }
    text += word + "-";
  }
  return (text.empty() ? "gpu-" : text) + std::to_string(size) + "gb";
}

std::vector<Gpu> taken_gpus(const NodeConfig& config,
                            const std::vector<cluster::ListedDevice>& listed) {
  const auto choice = gpu_choice(config.gpus);
  std::vector<Gpu> gpus;
  for (const auto& device : listed) {
    if (!choice.takes(device.ordinal)) continue;
    Gpu gpu{.ordinal = device.ordinal, .sm = device.sm};
    gpu.info.name = "gpu" + std::to_string(device.ordinal);
    gpu.info.klass = gpu_class(device.name, device.total_bytes);
    gpu.info.memory_bytes =
        device.total_bytes / 100 *
        static_cast<std::uint64_t>(config.gpu_memory_percent);
    gpu.info.slots = static_cast<std::uint32_t>(config.gpu_slots);
    gpus.push_back(std::move(gpu));
  }
  return gpus;
}

std::vector<std::string> serve_arguments(const NodeConfig& config,
                                         const Gpu& gpu) {
  std::vector<std::string> words{"serve", std::to_string(gpu.ordinal)};
  if (config.gpu_kernels == "hopper" && gpu.sm == kHopperSm)
    words.emplace_back("hopper");
  return words;
}

GpuSearch GpuSearch::here() {
  return {beside_us(kCudaProgram), own_environment()};
}

FoundGpus find_gpus(const NodeConfig& config, const GpuSearch& search) {
  const auto choice = gpu_choice(config.gpus);
  if (choice.is_none()) return {{}, "node.gpus is none", true};
  if (std::error_code failed; !std::filesystem::exists(search.program, failed))
    return {{},
            search.program.string() +
                " is not there: this is a build without "
                "CUDA",
            choice.all};
  const auto listed = cluster::list_devices({.program = search.program,
                                             .environment = search.environment,
                                             .limit_ms = config.gpu_search_ms});
  const auto program = search.program.filename().string();
  if (!listed)
    return {
        {},
        program + ": " + listed.error().message +
            (listed.error().code == Errc::not_found ? std::string{}
                                                    : advice(listed.error())),
        choice.all && listed.error().code == Errc::not_found};
  FoundGpus found{taken_gpus(config, *listed), {}, true};
  if (const auto lost = missing(choice, *listed); !lost.empty())
    return {std::move(found.gpus),
            "node.gpus names " + lost + ", which " + program +
                " does not list; it lists " + numbers_of(*listed),
            false};
  return found;
}

}  // namespace troupe
