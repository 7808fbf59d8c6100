#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/checks.hpp"
#include "kernels/cpu/level.hpp"
#include "kernels/linear.hpp"
#include "kernels/linear_adapters.hpp"
#include "kernels/linear_cuda.hpp"

namespace troupe::kernels {
namespace {

// A part's rows: enough to use a panel's weights many times while they are in
// a cache, few enough that a long chunk feeds a large team. A multiple of all
// levels' tiles.
constexpr std::int64_t kPartRows = 96;
// A part's panels at least: a stream long enough to be read at full rate.
constexpr std::int64_t kPartPanels = 3;

bool has_codes(WeightFormat format) {
  return format == WeightFormat::int8 || format == WeightFormat::int4;
}

// Of a row; whole blocks of two.
std::int64_t groups_of(const PackedWeight& weight) {
  return (weight.inputs + 2 * kGroupInputs - 1) / (2 * kGroupInputs) * 2;
}

// Of the scratch, for one row of x as the product takes it.
std::int64_t row_bytes(const PackedWeight& weight) {
  if (weight.format == WeightFormat::f32) return 0;
  const auto bytes = has_codes(weight.format)
                         ? groups_of(weight) * (kGroupInputs + 4 + 4)
                         : (weight.inputs + 1) / 2 * 8;
  return (bytes + 63) / 64 * 64;
}

void prepare_rows(Context& ctx, const Level& level, const Linear::Args& a,
                  std::int64_t stride) {
  const auto inputs = a.weight.inputs;
  const std::int32_t zero = a.weight.format == WeightFormat::int8 ? 128 : 8;
  ctx.split(a.x.shape[0], [&](std::int64_t row) {
    auto* to = ctx.scratch.data() + row * stride;
    const auto* x = data_of<const float>(a.x) + row * inputs;
    if (has_codes(a.weight.format))
      level.prepare_codes(to, x, inputs, groups_of(a.weight), zero);
    else
      level.prepare_bf16(to, x, inputs);
  });
}

auto product_of(const Level& level, WeightFormat format) {
  switch (format) {
    case WeightFormat::bf16:
      return level.linear_bf16;
    case WeightFormat::int8:
      return level.linear_int8;
    case WeightFormat::int4:
      return level.linear_int4;
    case WeightFormat::f32:
      break;
  }
  return level.linear;
}

// In the arithmetic of the product, since a number halfway between two codes
// must go to the same one.
void round_inputs(std::vector<double>& x) {
  constexpr std::size_t kGroup = kScaleInputs;
  for (std::size_t begin = 0; begin < x.size(); begin += kGroup) {
    const auto end = std::min(begin + kGroup, x.size());
    float most = 0;
    for (auto i = begin; i < end; ++i)
      most = std::max(most, std::abs(static_cast<float>(x[i])));
    const float inverse = most > 1e-30f ? 127.f / most : 0.f;
    const float scale = inverse > 0.f ? most / 127.f : 0.f;
    for (auto i = begin; i < end; ++i)
      x[i] = double{std::nearbyint(static_cast<float>(x[i]) * inverse)} * scale;
  }
}

// (b (a x))[o]
double adapter_sum(const Adapter& adapter, const float* x, std::int64_t o) {
  double sum = 0;
  for (std::int64_t i = 0; i < adapter.a.outputs; ++i) {
    double low = 0;
    for (std::int64_t k = 0; k < adapter.a.inputs; ++k)
      low += double{packed_at(adapter.a, i, k)} * x[k];
    sum += low * packed_at(adapter.b, o, i);
  }
  return sum;
}

void multiply(Context& ctx, const Linear::Args& a) {
  const auto rows = a.x.shape[0];
  const auto& level = level_of(ctx.isa);
  const auto panels = a.weight.panels();
  const auto tile =
      has_codes(a.weight.format) ? level.code_panels : level.linear_panels;
  const auto at_once = (kPartPanels + tile - 1) / tile * tile;
  const auto groups = (panels + at_once - 1) / at_once;
  const auto row_parts = (rows + kPartRows - 1) / kPartRows;
  const auto format = a.weight.format;
  const bool plain = format == WeightFormat::f32;
  const auto stride = plain ? a.weight.inputs * std::int64_t{sizeof(float)}
                            : row_bytes(a.weight);
  if (!plain) prepare_rows(ctx, level, a, stride);
  const auto* x =
      plain ? static_cast<const std::byte*>(a.x.data) : ctx.scratch.data();
  const auto product = product_of(level, format);
  ctx.split(groups * row_parts, [&](std::int64_t part) {
    const auto row = part % row_parts * kPartRows;
    const auto panel = part / row_parts * at_once;
    product({.y = data_of<float>(a.y) + row * a.weight.outputs,
             .x = x + row * stride,
             .x_stride = stride,
             .packed = a.weight.data,
             .bias = data_of<const float>(a.bias),
             .rows = std::min(kPartRows, rows - row),
             .inputs = a.weight.inputs,
             .outputs = a.weight.outputs,
             .groups = groups_of(a.weight),
             .first_panel = panel,
             .panels = std::min(at_once, panels - panel)});
  });
}

}  // namespace

Status Linear::supports(const Device& device, const Args& a) {
  if (auto known = check_packed(device, a.weight); !known) return known;
  const auto rows = a.x.shape[0];
  const bool no_bias = a.bias.data == nullptr;
  if (is_matrix(a.x, DType::f32, rows, a.weight.inputs) &&
      is_matrix(a.y, DType::f32, rows, a.weight.outputs) && rows >= 0 &&
      rows <= kMaxRows &&
      (no_bias || is_vector(a.bias, DType::f32, a.weight.outputs)))
    return check_adapters(device, a);
  return not_supported(kName, {{"y", a.y}, {"x", a.x}, {"bias", a.bias}},
                       "f32 y [rows, " + std::to_string(a.weight.outputs) +
                           "], x [rows, " + std::to_string(a.weight.inputs) +
                           "], bias [outputs], rows < 2^31");
}

LargeLinear large_linear(const Linear::Args& a) {
  // A part of the weights that stays in an L2 cache from the kernel that
  // writes it to the one that reads it; what cuBLASLt asks for on Hopper.
  constexpr std::int64_t kPartBytes = std::int64_t{16} << 20;
  constexpr std::size_t kLibraryBytes = std::size_t{32} << 20;
  LargeLinear large{.library_bytes = kLibraryBytes};
  if (a.weight.format == WeightFormat::f32) return large;
  const auto row = row_stride(WeightFormat::bf16, a.weight.inputs) * 2;
  large.inputs_bytes =
      static_cast<std::size_t>((a.x.shape[0] * row + 255) / 256 * 256);
  if (!has_codes(a.weight.format)) return large;
  const auto panels = std::clamp<std::int64_t>(kPartBytes / row / kPanelOutputs,
                                               1, a.weight.panels());
  large.part_outputs = panels * kPanelOutputs;
  large.weight_bytes = static_cast<std::size_t>(large.part_outputs * row);
  return large;
}

std::size_t linear_products_bytes(const Device& device, const Linear::Args& a) {
  if (device.backend == Backend::cuda)
    return a.x.shape[0] <= kSmallRows ? 0 : large_linear(a).bytes();
  return static_cast<std::size_t>(row_bytes(a.weight) * a.x.shape[0]);
}

std::size_t Linear::workspace_bytes(const Device& device, const Args& a) {
  return a.adapters.empty() ? linear_products_bytes(device, a)
                            : adapter_scratch(device, a).end;
}

void Linear::reference(const Args& a) {
  const auto rows = a.x.shape[0];
  const auto inputs = a.weight.inputs;
  std::vector<double> x(static_cast<std::size_t>(inputs));
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto* from = data_of<const float>(a.x) + r * inputs;
    std::copy_n(from, inputs, x.begin());
    if (has_codes(a.weight.format)) round_inputs(x);
    for (std::int64_t o = 0; o < a.weight.outputs; ++o) {
      double sum = 0;
      for (std::int64_t k = 0; k < inputs; ++k)
        sum += x[static_cast<std::size_t>(k)] * packed_at(a.weight, o, k);
      if (a.bias.data != nullptr) sum += data_of<const float>(a.bias)[o];
      const auto* plain = data_of<const float>(a.x) + r * inputs;
      for (const auto& adapter : a.adapters)
        sum += adapter.scale * adapter_sum(adapter, plain, o);
      data_of<float>(a.y)[r * a.weight.outputs + o] = static_cast<float>(sum);
    }
  }
}

void Linear::cpu(Context& ctx, const Args& a) {
  multiply(ctx, a);
  if (a.adapters.empty()) return;
  const auto at = adapter_scratch(ctx.device, a);
  for (const auto& adapter : a.adapters) {
    const auto products = adapter_products(ctx, a, at, adapter);
    multiply(ctx, products.low);
    multiply(ctx, products.high);
    const auto outputs = a.weight.outputs;
    ctx.split(a.x.shape[0], [&](std::int64_t row) {
      auto* y = data_of<float>(a.y) + row * outputs;
      const auto* u = data_of<const float>(products.high.y) + row * outputs;
      for (std::int64_t o = 0; o < outputs; ++o) y[o] += adapter.scale * u[o];
    });
  }
}

}  // namespace troupe::kernels
