// Stored numbers that no weight may be, told so that people can mend them:
// which file, which tensor, which element.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/result.hpp"
#include "kernels/packed.hpp"
#include "models/weights/weight_folder.hpp"

namespace troupe {

/// Where the first is that is infinite or no number at all.
std::optional<std::int64_t> first_not_finite(std::span<const float> values);

/// corrupt: "FILE: tensor NAME: element 70 is nan, no finite number". What to
/// do is said once, by fetch_again(), however many there are.
Error broken_number(const LocatedTensor& located, std::int64_t element,
                    float value);

/// unsupported: it is finite, but not in that format.
Error number_beyond(const LocatedTensor& located, std::int64_t element,
                    float value, kernels::WeightFormat format);

}  // namespace troupe
