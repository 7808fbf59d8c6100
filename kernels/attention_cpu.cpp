#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/attention.hpp"
#include "kernels/attention_cuda.hpp"
#include "kernels/checks.hpp"
#include "kernels/cpu/level.hpp"

namespace troupe::kernels {
namespace {

// Parts per thread at which the split is fine enough to even out.
constexpr std::int64_t kPartsPerThread = 4;

const std::int32_t* page_row(const Attention::Args& a, std::int64_t row) {
  return data_of<const std::int32_t>(a.at.page_table) +
         data_of<const std::int32_t>(a.at.sequences)[row] *
             a.at.page_table.shape[1];
}

// One row and head, all in fp64.
void reference_head(const Attention::Args& a, std::int64_t row,
                    std::int64_t head) {
  const auto& pages = a.pages;
  const auto dim = pages.head_dim;
  const auto count = data_of<const std::int32_t>(a.at.positions)[row] + 1;
  const auto at = (row * a.heads + head) * dim;
  const auto* q = data_of<const float>(a.q) + at;
  const auto* table = page_row(a, row);
  const auto kv_base =
      head / (a.heads / pages.kv_heads) * pages.head_elements();
  const auto base_of = [&](std::int64_t t) {
    return table[t / kPageTokens] * pages.page_elements() + kv_base;
  };
  std::vector<double> weights;
  for (std::int64_t t = 0; t < count; ++t) {
    const auto* key =
        static_cast<const float*>(pages.keys) + base_of(t) + t % kPageTokens;
    double score = 0;
    for (std::int64_t d = 0; d < dim; ++d)
      score += double{q[d]} * key[d * kPageTokens];
    weights.push_back(score * a.scale);
  }
  const double max = *std::ranges::max_element(weights);
  double sum = 0;
  for (double& weight : weights) sum += weight = std::exp(weight - max);
  for (std::int64_t d = 0; d < dim; ++d) {
    double y = 0;
    for (std::int64_t t = 0; t < count; ++t)
      y += weights[static_cast<std::size_t>(t)] *
           static_cast<const float*>(
               pages.values)[base_of(t) + t % kPageTokens * dim + d];
    data_of<float>(a.y)[at + d] = static_cast<float>(y / sum);
  }
}

// Rows from `row` on that follow one another in one sequence; at most `most`.
std::int64_t run_of_rows(const Attention::Args& a, std::int64_t row,
                         std::int64_t most) {
  const auto* sequences = data_of<const std::int32_t>(a.at.sequences);
  const auto* positions = data_of<const std::int32_t>(a.at.positions);
  std::int64_t rows = 1;
  while (rows < most && sequences[row + rows] == sequences[row] &&
         positions[row + rows] == positions[row] + rows)
    ++rows;
  return rows;
}

void attend_rows(const Attention::Args& a, const Level& level,
                 std::int64_t first, std::int64_t end, std::int64_t kv_head) {
  const auto& pages = a.pages;
  const auto group = a.heads / pages.kv_heads;
  const auto stride = a.heads * pages.head_dim;
  const auto kv_base = kv_head * pages.head_elements();
  for (auto row = first; row < end;) {
    const auto rows = run_of_rows(a, row, end - row);
    level.attend(
        {.y = data_of<float>(a.y) + row * stride,
         .q = data_of<const float>(a.q) + row * stride,
         .row_stride = stride,
         .positions = data_of<const std::int32_t>(a.at.positions) + row,
         .rows = rows,
         .first_head = kv_head * group,
         .heads = group,
         .head_dim = pages.head_dim,
         .keys = static_cast<const float*>(pages.keys) + kv_base,
         .values = static_cast<const float*>(pages.values) + kv_base,
         .page_stride = pages.page_elements(),
         .pages = page_row(a, row),
         .scale = a.scale});
    row += rows;
  }
}

}  // namespace

Status Attention::supports(const Device& device, const Args& a) {
  const auto rows = a.q.shape[0];
  if (auto known = check_kv(kName, device, a.pages, a.at, rows); !known)
    return known;
  const auto width = a.heads * a.pages.head_dim;
  const auto most_heads =
      device.backend == Backend::cuda ? kMaxCudaHeads : kMaxDim;
  if (a.heads >= 1 && a.heads <= most_heads &&
      a.heads % a.pages.kv_heads == 0 &&
      is_matrix(a.q, DType::f32, rows, width) &&
      is_matrix(a.y, DType::f32, rows, width) && a.scale > 0.f)
    return ok();
  return not_supported(kName, {{"y", a.y}, {"q", a.q}},
                       "f32 y and q [rows, heads * head_dim], heads a multiple "
                       "of the kv heads, scale > 0");
}

ChunkedAttention chunked_attention(const Attention::Args& a) {
  constexpr std::int64_t kLeastPositions = 256, kMostChunks = 64;
  const auto capacity = a.at.page_table.shape[1] * kPageTokens;
  ChunkedAttention chunked{.positions = kLeastPositions};
  while (chunked.positions * kMostChunks < capacity) chunked.positions *= 2;
  chunked.chunks = (capacity + chunked.positions - 1) / chunked.positions;
  chunked.bytes =
      static_cast<std::size_t>(a.q.shape[0] * a.heads * chunked.chunks *
                               (a.pages.head_dim + 2)) *
      sizeof(float);
  return chunked;
}

// Queries in bf16 and four arrays of i32 [rows + 1], each filled up.
std::size_t prefill_scratch_bytes(const Attention::Args& a) {
  const auto filled = [](std::int64_t bytes) {
    return static_cast<std::size_t>((bytes + 127) / 128 * 128);
  };
  return filled(a.q.shape[0] * a.q.shape[1] * 2) +
         4 * filled((a.q.shape[0] + 1) * 4);
}

std::size_t Attention::workspace_bytes(const Device& device, const Args& a) {
  if (device.backend != Backend::cuda) return 0;
  if (a.decode) return chunked_attention(a).bytes;
  return a.pages.dtype == DType::bf16 ? prefill_scratch_bytes(a) : 0;
}

void Attention::reference(const Args& a) {
  for (std::int64_t row = 0; row < a.q.shape[0]; ++row)
    for (std::int64_t head = 0; head < a.heads; ++head)
      reference_head(a, row, head);
}

void Attention::cpu(Context& ctx, const Args& a) {
  const auto rows = a.q.shape[0];
  const auto& level = level_of(ctx.isa);
  // More rows at once use a tile's keys more often; fewer feed more threads.
  const auto wanted = ctx.threads() * kPartsPerThread;
  const auto block = std::clamp<std::int64_t>(rows * a.pages.kv_heads / wanted,
                                              1, kAttendRows);
  const auto blocks = (rows + block - 1) / block;
  ctx.split(blocks * a.pages.kv_heads, [&](std::int64_t part) {
    // The last rows see the most: begin with them.
    const auto first = (blocks - 1 - part / a.pages.kv_heads) * block;
    attend_rows(a, level, first, std::min(first + block, rows),
                part % a.pages.kv_heads);
  });
}

}  // namespace troupe::kernels
