#include "kernels/checks.hpp"
#include "kernels/cpu/level.hpp"
#include "kernels/kv_pages.hpp"

namespace troupe::kernels {
namespace {

static_assert(kPageTokens == kLanes);

void append_row(const KvAppend::Args& a, std::int64_t row) {
  const auto& pages = a.pages;
  const auto position = data_of<const std::int32_t>(a.at.positions)[row];
  const auto sequence = data_of<const std::int32_t>(a.at.sequences)[row];
  const auto* table = data_of<const std::int32_t>(a.at.page_table) +
                      sequence * a.at.page_table.shape[1];
  const auto page = table[position / kPageTokens];
  TROUPE_ASSERT(page >= 0 && page < pages.pages);
  const auto slot = position % kPageTokens;
  const auto width = pages.kv_heads * pages.head_dim;
  const auto* key = data_of<const float>(a.keys) + row * width;
  const auto* value = data_of<const float>(a.values) + row * width;
  auto* keys = static_cast<float*>(pages.keys) + page * pages.page_elements();
  auto* values =
      static_cast<float*>(pages.values) + page * pages.page_elements();
  for (std::int64_t head = 0; head < pages.kv_heads; ++head)
    for (std::int64_t d = 0; d < pages.head_dim; ++d) {
      const auto from = head * pages.head_dim + d;
      const auto base = head * pages.head_elements();
      keys[base + d * kPageTokens + slot] = key[from];
      values[base + slot * pages.head_dim + d] = value[from];
    }
}

}  // namespace

Status check_kv(std::string_view op, const Device& device, const KvPages& pages,
                const KvRows& at, std::int64_t rows) {
  const bool cuda = device.backend == Backend::cuda;
  const auto sequences = at.page_table.shape[0];
  const auto most = at.page_table.shape[1];
  if ((pages.dtype == DType::f32 || (cuda && pages.dtype == DType::bf16)) &&
      pages.pages >= 1 && pages.pages <= kMaxRows && pages.kv_heads >= 1 &&
      pages.kv_heads <= kMaxDim &&
      (pages.head_dim == 64 || pages.head_dim == 128) && rows >= 0 &&
      rows <= kMaxRows && sequences >= 1 && most >= 1 &&
      is_matrix(at.page_table, DType::i32, sequences, most) &&
      is_vector(at.sequences, DType::i32, rows) &&
      is_vector(at.positions, DType::i32, rows))
    return ok();
  return Error{Errc::invalid_argument,
               std::string(op) + " over " + std::to_string(pages.pages) +
                   " pages of " + std::string(to_string(pages.dtype)) + ", " +
                   std::to_string(pages.kv_heads) + " kv heads, head size " +
                   std::to_string(pages.head_dim) + ", page_table " +
                   shape_text(at.page_table) + ", sequences " +
                   shape_text(at.sequences) + ", positions " +
                   shape_text(at.positions) +
                   " is not supported; known: f32 pages (on CUDA bf16, too), "
                   "head size 64 "
                   "or 128, i32 page_table [sequences, pages], sequences and "
                   "positions [rows]"};
}

Status KvAppend::supports(const Device& device, const Args& a) {
  const auto rows = a.keys.shape[0];
  if (auto known = check_kv(kName, device, a.pages, a.at, rows); !known)
    return known;
  const auto width = a.pages.kv_heads * a.pages.head_dim;
  if (is_matrix(a.keys, DType::f32, rows, width) &&
      is_matrix(a.values, DType::f32, rows, width))
    return ok();
  return not_supported(kName, {{"keys", a.keys}, {"values", a.values}},
                       "f32 keys and values [rows, kv_heads * head_dim]");
}

void KvAppend::reference(const Args& a) {
  for (std::int64_t row = 0; row < a.keys.shape[0]; ++row) append_row(a, row);
}

void KvAppend::cpu(Context& ctx, const Args& a) {
  ctx.split(a.keys.shape[0], [&](std::int64_t row) { append_row(a, row); });
}

}  // namespace troupe::kernels
