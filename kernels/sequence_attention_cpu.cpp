#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/checks.hpp"
#include "kernels/numbers.hpp"
#include "kernels/sequence_attention.hpp"

namespace troupe::kernels {
namespace {

constexpr std::int64_t kMaxSequences = 1 << 20;
// Of a kernel's tiles, counted in 32 bits; of so many rows at least.
constexpr std::int64_t kMaxTiles = std::int64_t{1} << 30;
constexpr std::int64_t kLeastTileRows = 128;

double at(const TensorRef& tensor, std::int64_t index) {
  return double{bf16_to_f32(data_of<const std::uint16_t>(tensor)[index])};
}

struct Row {
  std::int64_t row;
  std::int64_t first_key;
  std::int64_t keys;  // That it sees. Not above 0: none.
};

void reference_head(const SequenceAttention::Args& a, const Row& r,
                    std::int64_t head) {
  const auto dim = a.head_dim;
  const auto out = (r.row * a.heads + head) * dim;
  const auto kv_head = head / (a.heads / a.kv_heads);
  const auto key_at = [&](std::int64_t t) {
    return ((r.first_key + t) * a.kv_heads + kv_head) * dim;
  };
  std::vector<double> weights;
  for (std::int64_t t = 0; t < r.keys; ++t) {
    double score = 0;
    for (std::int64_t d = 0; d < dim; ++d)
      score += at(a.q, out + d) * at(a.k, key_at(t) + d);
    weights.push_back(score * double{a.scale});
  }
  const double best = weights.empty() ? 0 : *std::ranges::max_element(weights);
  double all = 0;
  for (double& weight : weights) all += weight = std::exp(weight - best);
  for (std::int64_t d = 0; d < dim; ++d) {
    double sum = 0;
    for (std::int64_t t = 0; t < r.keys; ++t)
      sum += weights[static_cast<std::size_t>(t)] * at(a.v, key_at(t) + d);
    data_of<std::uint16_t>(a.y)[out + d] =
        f32_to_bf16(all == 0 ? 0.f : static_cast<float>(sum / all));
  }
}

void reference_sequence(const SequenceAttention::Args& a,
                        std::int64_t sequence) {
  const auto* q = data_of<const std::int32_t>(a.q_starts) + sequence;
  const auto* kv = data_of<const std::int32_t>(a.kv_starts) + sequence;
  const std::int64_t rows = q[1] - q[0], keys = kv[1] - kv[0];
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t head = 0; head < a.heads; ++head)
      reference_head(a,
                     {.row = q[0] + row,
                      .first_key = kv[0],
                      .keys = a.causal ? keys - rows + row + 1 : keys},
                     head);
}

bool aligned(const TensorRef& tensor) {
  return reinterpret_cast<std::uintptr_t>(tensor.data) % 16 == 0;
}

}  // namespace

Status SequenceAttention::supports(const Device& device, const Args& a) {
  const auto rows = a.q.shape[0], kv_rows = a.k.shape[0];
  const auto starts = a.q_starts.shape[0];
  const bool here = device.backend == Backend::cpu || device.sm == 90;
  if (here && (a.head_dim == 64 || a.head_dim == 128) && a.kv_heads >= 1 &&
      a.heads >= 1 && a.heads % a.kv_heads == 0 && a.heads <= kMaxDim &&
      (rows / kLeastTileRows + starts) * a.heads <= kMaxTiles &&
      a.scale > 0.f && rows >= 0 && rows <= kMaxRows && kv_rows >= 1 &&
      kv_rows <= kMaxRows && starts >= 1 && starts <= kMaxSequences &&
      is_matrix(a.q, DType::bf16, rows, a.heads * a.head_dim) &&
      is_matrix(a.y, DType::bf16, rows, a.heads * a.head_dim) &&
      is_matrix(a.k, DType::bf16, kv_rows, a.kv_heads * a.head_dim) &&
      is_matrix(a.v, DType::bf16, kv_rows, a.kv_heads * a.head_dim) &&
      is_vector(a.q_starts, DType::i32, starts) &&
      is_vector(a.kv_starts, DType::i32, starts) && aligned(a.q) &&
      aligned(a.k) && aligned(a.v) && aligned(a.y))
    return ok();
  return not_supported(
      kName,
      {{"y", a.y},
       {"q", a.q},
       {"k", a.k},
       {"v", a.v},
       {"q_starts", a.q_starts},
       {"kv_starts", a.kv_starts}},
      "bf16 y and q [rows, heads * head_dim], k and v [kv_rows >= 1, kv_heads "
      "* head_dim], all aligned to 16 bytes, i32 starts [sequences + 1], heads "
      "a multiple of the kv heads, head_dim 64 or 128, scale > 0, on a CPU or "
      "an sm_90 device");
}

void SequenceAttention::reference(const Args& a) {
  for (std::int64_t s = 0; s + 1 < a.q_starts.shape[0]; ++s)
    reference_sequence(a, s);
}

void SequenceAttention::cpu(Context& ctx, const Args& a) {
  ctx.split(a.q_starts.shape[0] - 1,
            [&](std::int64_t s) { reference_sequence(a, s); });
}

}  // namespace troupe::kernels
