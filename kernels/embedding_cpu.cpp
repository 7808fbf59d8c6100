#include "kernels/checks.hpp"
#include "kernels/embedding.hpp"

namespace troupe::kernels {
namespace {

void copy_row(const Embedding::Args& a, std::int64_t row) {
  const auto id = data_of<const std::int32_t>(a.ids)[row];
  TROUPE_ASSERT(id >= 0 && id < a.table.outputs);
  auto* y = data_of<float>(a.y) + row * a.table.inputs;
  for (std::int64_t c = 0; c < a.table.inputs; ++c)
    y[c] = packed_at(a.table, id, c);
}

}  // namespace

Status Embedding::supports(const Device& device, const Args& a) {
  if (auto known = check_packed(device, a.table); !known) return known;
  const auto rows = a.y.shape[0];
  if (is_matrix(a.y, DType::f32, rows, a.table.inputs) &&
      is_vector(a.ids, DType::i32, rows) && rows >= 0 && rows <= kMaxRows)
    return ok();
  return not_supported(kName, {{"y", a.y}, {"ids", a.ids}},
                       "f32 y [rows, " + std::to_string(a.table.inputs) +
                           "], i32 ids [rows], rows < 2^31");
}

// Copies have no accuracy to speak of: both ways are the same.
void Embedding::reference(const Args& a) {
  for (std::int64_t row = 0; row < a.y.shape[0]; ++row) copy_row(a, row);
}

void Embedding::cpu(Context& ctx, const Args& a) {
  ctx.split(a.y.shape[0], [&](std::int64_t row) { copy_row(a, row); });
}

}  // namespace troupe::kernels
