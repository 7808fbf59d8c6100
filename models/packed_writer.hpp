// The way of weights into a device's memory: rows of fp32 go in packed, in
// place where the program may look there, else packed aside and copied.
// Allocates no place for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/result.hpp"
#include "kernels/context.hpp"
#include "kernels/packed.hpp"

namespace troupe {

/// Used by one thread. Errors of all: device_lost.
class PackedWriter {
 public:
  /// What `ctx` points to outlives it.
  explicit PackedWriter(const Context& ctx) : ctx_{ctx} {}

  const Context& context() const { return ctx_; }

  /// Rows of a weight to put at once where `wanted` are wished for: what is
  /// packed aside ends where a panel does, or where the weight does.
  std::int64_t rows_at_once(std::int64_t wanted) const;

  /// Packs outputs from `first` on, as pack_rows(). REQUIRES: the rows before
  /// were put as rows_at_once() says.
  Status put(const kernels::PackedWeight& to, std::int64_t first,
             std::span<const float> rows);
  /// As they are.
  Status put(float* to, std::span<const float> values);

  /// Whether these rows, packed, are what lies there.
  Result<bool> holds(const kernels::PackedWeight& packed, std::int64_t first,
                     std::span<const float> rows);

  /// Until all is there; what was needed on the way is given back.
  Status finish();

 private:
  Context ctx_;
  std::vector<std::byte> aside_;
};

}  // namespace troupe
