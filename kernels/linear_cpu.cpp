#include <algorithm>

#include "kernels/checks.hpp"
#include "kernels/cpu/level.hpp"
#include "kernels/linear.hpp"

namespace troupe::kernels {
namespace {

// A part's rows: enough to use a panel's weights many times while they are in
// a cache, few enough that a long chunk feeds a large team. A multiple of all
// levels' tiles.
constexpr std::int64_t kPartRows = 96;

}  // namespace

Status Linear::supports(const Device&, const Args& a) {
  if (auto known = check_packed(a.weight); !known) return known;
  const auto rows = a.x.shape[0];
  const bool no_bias = a.bias.data == nullptr;
  if (is_matrix(a.x, DType::f32, rows, a.weight.inputs) &&
      is_matrix(a.y, DType::f32, rows, a.weight.outputs) && rows >= 0 &&
      rows <= kMaxRows &&
      (no_bias || is_vector(a.bias, DType::f32, a.weight.outputs)))
    return ok();
  return not_supported(kName, {{"y", a.y}, {"x", a.x}, {"bias", a.bias}},
                       "f32 y [rows, " + std::to_string(a.weight.outputs) +
                           "], x [rows, " + std::to_string(a.weight.inputs) +
                           "], bias [outputs], rows < 2^31");
}

void Linear::reference(const Args& a) {
  const auto rows = a.x.shape[0];
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t o = 0; o < a.weight.outputs; ++o) {
      double sum = 0;
      for (std::int64_t k = 0; k < a.weight.inputs; ++k)
        sum += double{data_of<const float>(a.x)[r * a.weight.inputs + k]} *
               packed_at(a.weight, o, k);
      if (a.bias.data != nullptr) sum += data_of<const float>(a.bias)[o];
      data_of<float>(a.y)[r * a.weight.outputs + o] = static_cast<float>(sum);
    }
}

void Linear::cpu(Context& ctx, const Args& a) {
  const auto rows = a.x.shape[0];
  const auto& level = level_of(ctx.isa);
  const auto panels = a.weight.panels();
  const auto groups = (panels + level.linear_panels - 1) / level.linear_panels;
  const auto row_parts = (rows + kPartRows - 1) / kPartRows;
  ctx.split(groups * row_parts, [&](std::int64_t part) {
    const auto row = part % row_parts * kPartRows;
    const auto panel = part / row_parts * level.linear_panels;
    level.linear({.y = data_of<float>(a.y) + row * a.weight.outputs,
                  .x = data_of<const float>(a.x) + row * a.weight.inputs,
                  .packed = static_cast<const float*>(a.weight.data),
                  .bias = data_of<const float>(a.bias),
                  .rows = std::min(kPartRows, rows - row),
                  .inputs = a.weight.inputs,
                  .outputs = a.weight.outputs,
                  .first_panel = panel,
                  .panels = std::min(level.linear_panels, panels - panel)});
  });
}

}  // namespace troupe::kernels
