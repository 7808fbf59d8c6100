#include <cmath>

#include "kernels/launch.cuh"
#include "kernels/philox.hpp"
#include "kernels/sampling.hpp"
#include "kernels/sampling_select.cuh"

namespace troupe::kernels {
namespace {

struct Shared {
  SelectShared select;
  float highest[kSelectWarps];
  int where[kSelectWarps];
  int bad[kSelectWarps];
};

struct Likeliest {
  float value;
  int id;    // The lowest of equals.
  bool bad;  // Some logit is no finite number.
};

// Bias before penalties, as no id is twice in a list.
__device__ void adjust(float* logits, const SamplingRow& row) {
  const int thread = static_cast<int>(threadIdx.x);
  for (int i = thread; i < row.bias_count; i += kSelectThreads)
    logits[row.biases[i].id] += row.biases[i].bias;
  __syncthreads();
  for (int i = thread; i < row.seen_count; i += kSelectThreads) {
    const auto seen = row.seen[i];
    float z = logits[seen.id];
    z = z < 0 ? z * row.repetition_penalty : z / row.repetition_penalty;
    if (seen.generated != 0) {
      z -= row.frequency_penalty * static_cast<float>(seen.generated);
      z -= row.presence_penalty;
    }
    logits[seen.id] = z;
  }
  __syncthreads();
}

__device__ void keep_better(Likeliest& mine, float value, int id) {
  if (value > mine.value || (value == mine.value && id < mine.id)) {
    mine.value = value;
    mine.id = id;
  }
}

// `own` is the highest that the thread has.
__device__ Likeliest find_likeliest(Shared& shared, const float* logits,
                                    const Parts& parts, float& own) {
  Likeliest mine{-INFINITY, 0x7fffffff, false};
  parts.each([&](int i) {
    const float z = logits[i];
    mine.bad = mine.bad || !(fabsf(z) < INFINITY);
    keep_better(mine, z, i);
  });
  own = mine.value;
#pragma unroll
  for (int lanes = kWarp / 2; lanes >= 1; lanes /= 2) {
    const float value = __shfl_xor_sync(kAllLanes, mine.value, lanes);
    const int id = __shfl_xor_sync(kAllLanes, mine.id, lanes);
    keep_better(mine, value, id);
  }
  const bool bad = __any_sync(kAllLanes, mine.bad);
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  if (threadIdx.x % kWarp == 0) {
    shared.highest[warp] = mine.value;
    shared.where[warp] = mine.id;
    shared.bad[warp] = bad;
  }
  __syncthreads();
  for (int w = 0; w < kSelectWarps; ++w) {
    keep_better(mine, shared.highest[w], shared.where[w]);
    mine.bad = mine.bad || shared.bad[w] != 0;
  }
  return mine;
}

// The least key that top-k keeps. The k-th highest of what each thread has as
// its highest is no higher than the k-th of all: what is lower need not be
// counted.
__device__ std::uint32_t top_k_cut(Shared& shared, const float* logits,
                                   const Parts& parts, int k, float own) {
  std::uint32_t least = 0;
  if (k <= min(parts.end, kSelectThreads))
    least = find_cut(shared.select, static_cast<Amount>(k), [&](auto add) {
              add(key_of(own), 1);
            }).key;
  return find_cut(shared.select, static_cast<Amount>(k),
                  [&](auto add) {
                    parts.each([&](int i) {
                      const auto key = key_of(logits[i]);
                      if (key >= least) add(key, 1);
                    });
                  })
      .key;
}

struct TopP {
  std::uint32_t key;  // Higher ones are kept, lower ones not,
  int last;           // of equals those up to this id.
};

__device__ TopP top_p_cut(Shared& shared, const float* weights,
                          const Parts& parts, Amount all, double p) {
  // Rounded up: what lies before a token has less than p exactly if it has
  // less than this.
  auto enough = static_cast<Amount>(ceil(p * static_cast<double>(all)));
  enough = enough < 1 ? 1 : enough > all ? all : enough;
  // All the tokens below this together have less than is cut off.
  const Amount least = static_cast<Amount>((1 - p) * static_cast<double>(all)) /
                       (2 * static_cast<Amount>(parts.end));
  const auto cut = find_cut(shared.select, enough, [&](auto add) {
    parts.each([&](int i) {
      const auto amount = amount_of(weights[i]);
      if (amount > 0 && amount >= least) add(key_of(weights[i]), amount);
    });
  });
  const auto equal = [&](int i) -> Amount {
    return key_of(weights[i]) == cut.key ? 1 : 0;
  };
  const auto equals = sum_parts(shared.select, parts, equal);
  const auto each =
      amount_of(__uint_as_float(cut.key & 0x7fffffffu));  // Of the equals.
  const Amount wanted = (enough - cut.above + each - 1) / each;
  if (wanted >= equals) return {cut.key, parts.end};
  return {cut.key, find_index(shared.select, parts, wanted - 1, equal)};
}

// Replaces logits by weights, 0 where a filter took a token, and draws one.
__device__ int choose(Shared& shared, float* logits, const Parts& parts,
                      const SamplingRow& row, float highest, float own) {
  constexpr float kNever = -80.f;
  std::uint32_t least = 0;
  if (row.top_k > 0 && row.top_k < parts.end)
    least = top_k_cut(shared, logits, parts, row.top_k, own);
  const bool only_once = row.top_p >= 1;
  auto all = sum_parts(shared.select, parts, [&](int i) {
    const float x = (logits[i] - highest) / row.temperature;
    float weight = key_of(logits[i]) < least || x < kNever ? 0.f : expf(x);
    if (only_once && weight < row.min_p) weight = 0;
    logits[i] = weight;
    return amount_of(weight);
  });
  if (!only_once) {
    const auto cut =
        top_p_cut(shared, logits, parts, all, static_cast<double>(row.top_p));
    all = sum_parts(shared.select, parts, [&](int i) {
      const auto key = key_of(logits[i]);
      if (key < cut.key || (key == cut.key && i > cut.last) ||
          logits[i] < row.min_p)
        logits[i] = 0;
      return amount_of(logits[i]);
    });
  }
  return draw_index(shared.select, parts, logits, all,
                    token_uniform(row.seed, row.choice, row.position));
}

// One block per row.
__global__ void __launch_bounds__(kSelectThreads)
    sampling_kernel(std::int32_t* tokens, float* logits,
                    const SamplingRow* rows, std::int64_t stride,
                    int vocabulary) {
  auto& shared = shared_as<Shared>();
  const auto& row = rows[blockIdx.x];
  logits += blockIdx.x * stride;
  const Parts parts{0, vocabulary};
  adjust(logits, row);
  float own = 0;
  const auto likeliest = find_likeliest(shared, logits, parts, own);
  int token = likeliest.bad ? kNoToken : likeliest.id;
  if (!likeliest.bad && row.temperature > 0)
    token = choose(shared, logits, parts, row, likeliest.value, own);
  if (threadIdx.x == 0) tokens[blockIdx.x] = token;
}

}  // namespace

void Sampling::cuda(Context& ctx, const Args& a) {
  if (a.logits.shape[0] == 0) return;
  launch(sampling_kernel,
         {.name = "sampling",
          .blocks = static_cast<unsigned>(a.logits.shape[0]),
          .threads = kSelectThreads,
          .shared_bytes = sizeof(Shared),
          .stream = ctx.stream},
         data_of<std::int32_t>(a.tokens), data_of<float>(a.logits), a.rows,
         a.logits.shape[1], static_cast<int>(a.vocabulary));
}

}  // namespace troupe::kernels
