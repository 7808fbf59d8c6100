// A Qwen2 model's weights in memory, packed for the kernels: where each lies,
// and what a folder must hold for them. A folder whose tensors are not exactly
// the config's is refused, all that is wrong in one answer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "kernels/context.hpp"
#include "kernels/packed.hpp"
#include "models/arena.hpp"
#include "models/qwen2/config.hpp"
#include "models/weights/weight_folder.hpp"

namespace troupe {

struct Qwen2Layer {
  float* input_norm = nullptr;  // [hidden]
  kernels::PackedWeight q, k, v;
  float* q_bias = nullptr;  // [heads * head_dim]
  float* k_bias = nullptr;  // [kv_heads * head_dim]
  float* v_bias = nullptr;
  kernels::PackedWeight o;
  float* mlp_norm = nullptr;  // [hidden]
  kernels::PackedWeight gate, up, down;
};

/// Read-only once loaded. Of the device's memory.
struct Qwen2Weights {
  Qwen2Config config;
  kernels::WeightFormat format = kernels::WeightFormat::f32;
  kernels::PackedWeight embedding;  // [vocabulary rows, hidden]
  kernels::PackedWeight head;       // The same memory where it is tied.
  std::vector<Qwen2Layer> layers;
  float* norm = nullptr;  // [hidden]
  Arena memory;
};

/// What the folder must hold for the config, and nothing else. (A tied head
/// and rotary tables may lie beside; they say nothing new.) Errors: corrupt,
/// with a fault for each tensor that is missing or of another shape, all of
/// them; unsupported, when all are unknown or of another type.
Status check_qwen2_tensors(const Qwen2Config& config,
                           const WeightFolder& folder);

/// Of the head, and of an embedding that is tied to it and shares its memory:
/// with int4 it is int8, since so few bits cost most there.
kernels::WeightFormat head_format(kernels::WeightFormat format);

/// Shapes without memory, for measuring.
Qwen2Weights counted_qwen2_weights(const Qwen2Config& config,
                                   kernels::WeightFormat format,
                                   const Device& device = {});

/// What the packed weights take on the device.
std::uint64_t qwen2_weight_bytes(const Qwen2Config& config,
                                 kernels::WeightFormat format,
                                 const Device& device = {});

/// Gives every tensor its place in the arena, the embedding the first. One that
/// counts gives only the size.
void lay_out_qwen2_weights(Qwen2Weights& weights, const Device& device,
                           Arena& arena);

/// A tensor of a layer: "model.layers.3.mlp.up_proj.weight".
std::string qwen2_layer_name(std::size_t layer, const char* part);

}  // namespace troupe
