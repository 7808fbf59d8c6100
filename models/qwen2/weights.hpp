// A Qwen2 model's weights in memory, packed for the kernels. Loaded
// from a checked folder in bounded steps; a folder whose tensors are not
// exactly the config's is refused, all that is wrong in one answer.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "kernels/context.hpp"
#include "kernels/packed.hpp"
#include "models/arena.hpp"
#include "models/model.hpp"
#include "models/packed_writer.hpp"
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

inline constexpr std::size_t kMaxShownFaults = 32;

/// What the folder must hold for the config, and nothing else. (A tied head
/// and rotary tables may lie beside; they say nothing new.) Errors: corrupt,
/// with a fault for each tensor that is missing or of another shape, at most
/// kMaxShownFaults of them; unsupported, when all are unknown or of another
/// type.
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

class Qwen2WeightLoader {
 public:
  /// Opens and checks the folder; allocates nothing yet. What `ctx` points to
  /// outlives the weights. Errors: those of load_qwen2_config(),
  /// WeightFolder::open(), check_qwen2_tensors().
  static Result<Qwen2WeightLoader> open(
      const std::filesystem::path& dir,
      kernels::WeightFormat format = kernels::WeightFormat::f32,
      const Context& ctx = {});

  const Qwen2Config& config() const { return weights_.config; }
  kernels::WeightFormat format() const { return weights_.format; }
  std::uint64_t bytes() const {
    return qwen2_weight_bytes(config(), format(), writer_.context().device);
  }

  /// Loads at most `max_bytes` of the files, but a row at least (of a device's
  /// own memory: a panel). Errors: out_of_memory, corrupt (cut short since; a
  /// head that differs from the embedding it is tied to), io_error,
  /// device_lost.
  Result<LoadProgress> step(std::uint64_t max_bytes = kMaxLoadStepBytes);

  /// REQUIRES: the last step() was done(). Once.
  Qwen2Weights take() { return std::move(weights_); }

 private:
  // A tensor and where it goes: packed, plain, or only compared.
  struct Piece {
    LocatedTensor from;
    kernels::PackedWeight packed;
    float* plain = nullptr;
    bool compare = false;

    std::int64_t width() const { return plain != nullptr ? 1 : packed.inputs; }
  };

  Qwen2WeightLoader(WeightFolder folder, const Context& ctx)
      : folder_{std::move(folder)}, writer_{ctx} {}
  Status begin();
  Status add(const std::string& name, Piece piece);
  Status add_packed(const std::string& name, const kernels::PackedWeight& to);
  Status add_plain(const std::string& name, float* to);
  Status add_layer(std::size_t index);
  Status read_rows(const Piece& piece, std::int64_t first, std::int64_t rows);

  WeightFolder folder_;
  PackedWriter writer_;
  Qwen2Weights weights_;
  std::vector<Piece> pieces_;
  std::size_t piece_ = 0;  // The next to load,
  std::int64_t row_ = 0;   // from this row of it.
  LoadProgress progress_;
  std::vector<float> rows_;  // Read, not yet put.
};

}  // namespace troupe
