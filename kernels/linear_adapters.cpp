#include "kernels/linear_adapters.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace troupe::kernels {
namespace {

bool fits(const Adapter& adapter, const PackedWeight& weight) {
  const auto rank = adapter.a.outputs;
  return adapter.a.format == WeightFormat::f32 &&
         adapter.b.format == WeightFormat::f32 && rank >= 1 &&
         rank <= kMaxAdapterRank && adapter.b.inputs == rank &&
         adapter.a.inputs == weight.inputs &&
         adapter.b.outputs == weight.outputs && std::isfinite(adapter.scale);
}

std::string shape_of(const PackedWeight& weight) {
  return std::string(to_string(weight.format)) + " [" +
         std::to_string(weight.outputs) + ", " + std::to_string(weight.inputs) +
         "]";
}

}  // namespace

Status check_adapters(const Device& device, const Linear::Args& args) {
  if (args.adapters.size() > kMaxAdapters)
    return Error{Errc::invalid_argument,
                 "linear: " + std::to_string(args.adapters.size()) +
                     " adapters; a layer takes at most " +
                     std::to_string(kMaxAdapters)};
  for (const auto& adapter : args.adapters) {
    if (!fits(adapter, args.weight))
      return Error{Errc::invalid_argument,
                   "linear: an adapter of a " + shape_of(adapter.a) +
                       " and b " + shape_of(adapter.b) + " times " +
                       std::to_string(adapter.scale) + " beside " +
                       shape_of(args.weight) +
                       " is not supported; known: f32 a [rank, inputs], b "
                       "[outputs, rank], rank 1 to " +
                       std::to_string(kMaxAdapterRank) + ", a finite scale"};
    for (const auto* weight : {&adapter.a, &adapter.b})
      if (auto known = check_packed(device, *weight); !known) return known;
  }
  return ok();
}

AdapterScratch adapter_scratch(const Device& device, const Linear::Args& args) {
  const auto aligned = [](std::size_t bytes) {
    constexpr std::size_t kAlignment = 256;
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  };
  const auto floats = [&](std::int64_t dim) {
    return static_cast<std::size_t>(args.x.shape[0] * dim) * sizeof(float);
  };
  std::int64_t rank = 0;
  for (const auto& adapter : args.adapters)
    rank = std::max(rank, adapter.a.outputs);
  AdapterScratch at{.high_at = aligned(linear_products_bytes(device, args))};
  at.low_at = aligned(at.high_at + floats(args.weight.outputs));
  at.end = at.low_at + floats(rank);
  return at;
}

AdapterProducts adapter_products(Context& ctx, const Linear::Args& args,
                                 const AdapterScratch& at,
                                 const Adapter& adapter) {
  const auto rows = args.x.shape[0];
  const auto part = [&](std::size_t begin, std::int64_t dim) {
    return matrix_ref(reinterpret_cast<float*>(ctx.scratch.data() + begin),
                      rows, dim);
  };
  const auto low = part(at.low_at, adapter.a.outputs);
  return {.low = {.y = low, .x = args.x, .weight = adapter.a},
          .high = {.y = part(at.high_at, args.weight.outputs),
                   .x = low,
                   .weight = adapter.b}};
}

}  // namespace troupe::kernels
