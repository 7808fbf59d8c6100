// Which GPUs a node takes: `node.gpus`, in words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

struct GpuChoice {
  bool all = true;                      // "auto": whatever is there.
  std::vector<std::uint32_t> ordinals;  // Else these: "none" is none of them.

  bool takes(std::uint32_t ordinal) const;
  bool is_none() const { return !all && ordinals.empty(); }
};

/// REQUIRES: gpu_choice_fault(text) is empty.
GpuChoice gpu_choice(std::string_view text);

/// What is wrong with `text` and what is allowed; empty: nothing.
std::string gpu_choice_fault(std::string_view text);

}  // namespace troupe
