// Brings a Qwen2 model's weights into memory in bounded steps: from a checked
// folder, packed on the way, or as they were packed before. Both give the same
// bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/model.hpp"
#include "models/packed_place.hpp"
#include "models/qwen2/weights.hpp"
#include "models/weights/packed_file.hpp"
#include "models/weights/weight_piece.hpp"

namespace troupe {

/// Of tensors that are not what they must be, told by a load: it happens in
/// another process, whose frames are small. describe_model() tells all.
inline constexpr std::size_t kMaxLoadFaults = 32;

class Qwen2WeightLoader {
 public:
  /// Opens and checks the folder; allocates nothing yet. What `ctx` points to
  /// outlives the weights. Errors: those of load_qwen2_config(),
  /// WeightFolder::open(), check_qwen2_tensors().
  static Result<Qwen2WeightLoader> open(
      const ModelSource& source,
      kernels::WeightFormat format = kernels::WeightFormat::f32,
      const Context& ctx = {});
  /// Does not look for packed weights, and loads in the order of the memory,
  /// so that what is whole can be kept as it comes.
  static Result<Qwen2WeightLoader> open_to_pack(const ModelSource& source,
                                                kernels::WeightFormat format,
                                                const Context& ctx);

  const Qwen2Config& config() const { return weights_.config; }
  kernels::WeightFormat format() const { return weights_.format; }
  const WeightFolder& folder() const { return folder_; }
  std::uint64_t bytes() const {
    return qwen2_weight_bytes(config(), format(), ctx_.device);
  }

  /// Why weights that were packed before are not used, and what to do; empty:
  /// they are, or there are none. May come with any step, which then begins
  /// anew with the folder.
  const std::string& remark() const { return remark_; }

  /// Loads at most `max_bytes` of the files, but a row at least (of a device's
  /// own memory: a panel; of packed weights: a block). Errors: out_of_memory,
  /// corrupt (cut short since; a head that differs from the embedding it is
  /// tied to), io_error, device_lost.
  Result<LoadProgress> step(std::uint64_t max_bytes = kMaxLoadStepBytes);

  /// The weights' memory, once a step was made; its first whole_bytes() hold
  /// what they should. For open_to_pack().
  const Arena& memory() const { return weights_.memory; }
  std::uint64_t whole_bytes() const;

  /// REQUIRES: the last step() was done(). Once.
  Qwen2Weights take() { return std::move(weights_); }

 private:
  Qwen2WeightLoader(const ModelSource& source, WeightFolder folder,
                    const Context& ctx)
      : source_{source}, folder_{std::move(folder)}, ctx_{ctx} {}
  static Result<Qwen2WeightLoader> opened(const ModelSource& source,
                                          kernels::WeightFormat format,
                                          const Context& ctx);
  Status allocate();
  Status list_pieces();
  Status add(const std::string& name, WeightPiece piece);
  Status add_packed(const std::string& name, const kernels::PackedWeight& to);
  Status add_plain(const std::string& name, float* to);
  Status add_layer(std::size_t index);
  void sort_pieces();
  /// Where the next block begins.
  struct Place {
    std::size_t piece = 0;
    std::int64_t row = 0;
  };
  std::vector<PieceBlock> blocks_from(Place& at, std::uint64_t max_bytes) const;
  Result<std::uint64_t> read_pieces(std::uint64_t max_bytes);
  Result<std::uint64_t> read_packed(std::uint64_t max_bytes);
  Status read_all(std::span<PieceBlock> blocks, std::size_t count);
  Status read_packed_blocks(std::uint64_t first, std::uint64_t count);
  std::size_t readers_at_once() const;

  ModelSource source_;
  WeightFolder folder_;
  Context ctx_;
  Qwen2Weights weights_;
  LoadProgress progress_;
  std::string remark_;

  std::optional<PackedFile> packed_;  // Taken from here as long as it is good,
  std::uint64_t block_ = 0;           // the next block of it;

  bool memory_order_ = false;
  std::vector<WeightPiece> pieces_;  // else from these,
  Place next_;                       // from here on.
  std::vector<PieceReader> readers_;
};

}  // namespace troupe
