// What bench_device measures, a section a function; each holds one of its
// results to plain loops before it times anything.
#pragma once

#include <filesystem>
#include <string>

#include "bench/device/device.hpp"

namespace troupe::bench {

/// A1, A3, A5: whole sequences without a cache, where the Context has the op.
void run_sequence_attention(Bench& bench);
/// A5 as a prompt is computed, over the paged cache; D1 to D3.
void run_paged_attention(Bench& bench);
/// S1, S2.
void run_sampling(Bench& bench);

struct ModelShape {
  std::string name;  // "0.5b", "7b"
  std::int64_t hidden, intermediate, layers, heads, kv_heads, vocabulary;
  bool tied_head;
};
inline constexpr std::int64_t kModelPositions = 32'768;
/// The shapes of Qwen2.5.
std::vector<ModelShape> model_shapes();
/// Writes a folder of that shape, weights normally distributed, unless it is
/// there. REQUIRES: nobody writes it at the same time.
void write_model(const ModelShape& shape, const std::filesystem::path& folder);

/// M1, then L1, L3 and L4, of a folder that write_model() wrote.
void run_model(Bench& bench, const ModelShape& shape,
               const std::filesystem::path& folder);

}  // namespace troupe::bench
