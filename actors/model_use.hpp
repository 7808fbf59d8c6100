// What a job's model takes on a device, memory and slots, by the device's
// class: a GPU lays a model out otherwise than a CPU, and may not be able to
// run it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/device.hpp"

namespace troupe {

/// On devices of one class.
struct ClassUse {
  std::string klass;
  std::vector<ModelPart> parts;  // All of one model.
  std::string why_not;           // Not empty: they cannot run it.
  /// Of its users, how many its engine computes at once: they hold one of the
  /// device's slots together.
  std::uint32_t batch = 1;

  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const auto& part : parts) sum += part.bytes;
    return sum;
  }
};

struct ModelUse {
  ModelUse() = default;
  /// The same on every device. Implicit: it is what most of them are.
  ModelUse(std::vector<ModelPart> parts, std::uint32_t batch = 1) {
    if (!parts.empty()) model = parts.front().model;
    other.parts = std::move(parts);
    other.batch = batch;
  }

  std::string model;              // Of all parts; empty: there is none.
  ClassUse other;                 // On classes that are not named below.
  std::vector<ClassUse> classes;  // Each class once.

  const ClassUse& on(const std::string& klass) const {
    for (const auto& use : classes)
      if (use.klass == klass) return use;
    return other;
  }
};

}  // namespace troupe
