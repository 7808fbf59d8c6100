#include "models/weights/broken_number.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>

namespace troupe {
namespace {

std::string place_text(const LocatedTensor& located, std::int64_t element,
                       float value) {
  std::array<char, 32> number{};
  std::snprintf(number.data(), number.size(), "%g", static_cast<double>(value));
  return located.file->path().string() + ": tensor " + located.tensor->name +
         ": element " + std::to_string(element) + " is " + number.data();
}

}  // namespace

std::optional<std::int64_t> first_not_finite(std::span<const float> values) {
  const auto broken = std::ranges::find_if_not(
      values, [](float value) { return std::isfinite(value); });
  if (broken == values.end()) return {};
  return broken - values.begin();
}

Error broken_number(const LocatedTensor& located, std::int64_t element,
                    float value) {
  return {Errc::corrupt,
          place_text(located, element, value) + ", no finite number"};
}

Error number_beyond(const LocatedTensor& located, std::int64_t element,
                    float value, kernels::WeightFormat format) {
  return {Errc::unsupported,
          place_text(located, element, value) + ", beyond what " +
              std::string(to_string(format)) +
              " holds; use the model with dtype=f32, which needs no packing"};
}

}  // namespace troupe
