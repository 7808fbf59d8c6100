// What is compiled once for each instruction level: the inner work of the ops,
// as a table of functions. Included by sources with a level's own flags: it,
// and whatever it includes, must hold no inline code that others share, or the
// linker may keep the copy that only newer processors run.
#pragma once

#include <cstdint>

namespace troupe {
enum class IsaLevel : std::uint8_t;
}

namespace troupe::kernels {

inline constexpr std::int64_t kLanes = 16;  // Of every level, see PackedWeight.
inline constexpr std::int64_t kGroupInputs = 32;  // That share a scale.

/// y[r][c] for rows [0, rows) and the panels [first_panel, first_panel +
/// panels) of kLanes columns each.
struct LinearPart {
  float* y = nullptr;  // [rows, outputs]
  /// [rows, inputs] floats for f32; for the other formats what the level's
  /// prepare function wrote, a row every `x_stride` bytes.
  const void* x = nullptr;
  std::int64_t x_stride = 0;
  const void* packed = nullptr;  // Panel 0.
  const float* bias = nullptr;   // [outputs] or null.
  std::int64_t rows = 0;
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  std::int64_t groups = 0;  // Of a row; for integers only.
  std::int64_t first_panel = 0;
  std::int64_t panels = 0;
};

struct RmsNormRow {
  float* y = nullptr;         // [dim], may be x
  float* residual = nullptr;  // [dim] or null
  const float* x = nullptr;
  const float* w = nullptr;
  std::int64_t dim = 0;
  float eps = 0;
};

/// Query rows of one sequence against one head of keys and values.
struct AttendPart {
  float* y = nullptr;        // Row 0, head 0; rows are row_stride apart.
  const float* q = nullptr;  // The same.
  std::int64_t row_stride = 0;
  const std::int32_t* positions = nullptr;  // Of each row, ascending by one.
  std::int64_t rows = 0;                    // At most kAttendRows.
  std::int64_t first_head = 0;              // The query heads of this kv head.
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;            // 64 or 128
  const float* keys = nullptr;          // This kv head of page 0.
  const float* values = nullptr;        // The same.
  std::int64_t page_stride = 0;         // Floats from a page to the next.
  const std::int32_t* pages = nullptr;  // The sequence's page table.
  float scale = 0;
};

inline constexpr std::int64_t kAttendRows = 8;

struct Peak {
  float max = 0;
  float zero = 0;  // NaN where one of the numbers is not finite.
};

/// weights[i] = e^((x[i] - max) / temperature); exactly 0 below e^-80.
struct SoftenPart {
  float* weights = nullptr;  // [n], may be x
  const float* x = nullptr;  // None above max.
  std::int64_t n = 0;
  float max = 0;
  float temperature = 0;  // > 0
};

/// How products other than of f32 take a row of x. bf16: `inputs` floats or
/// bf16, the last of an odd number beside a zero. Integers: `groups` (even, of
/// kGroupInputs, the last filled up by zeros) groups of signed bytes, then a
/// scale (float) for each, then an offset (32-bit integer) where its products
/// begin: minus the weights' code of zero times the sum of its codes.
struct Level {
  void (*linear)(const LinearPart&);
  void (*linear_bf16)(const LinearPart&);
  void (*linear_int8)(const LinearPart&);
  void (*linear_int4)(const LinearPart&);
  void (*prepare_bf16)(void* to, const float* x, std::int64_t inputs);
  /// `zero`: the weights' code of zero.
  void (*prepare_codes)(void* to, const float* x, std::int64_t inputs,
                        std::int64_t groups, std::int32_t zero);
  void (*rms_norm)(const RmsNormRow&);
  /// y[i] = silu(gate[i]) * up[i] for i of [0, n); y may be either.
  void (*swiglu)(float* y, const float* gate, const float* up, std::int64_t n);
  void (*attend)(const AttendPart&);
  /// REQUIRES: n >= 1.
  Peak (*peak)(const float* x, std::int64_t n);
  void (*soften)(const SoftenPart&);
  float (*sum)(const float* x, std::int64_t n);
  std::int64_t linear_panels;  // How many panels one tile takes,
  std::int64_t code_panels;    // of integers.
};

const Level& baseline_level();
const Level& avx2_level();  // x86-64 only, as the next.
const Level& avx512_level();
const Level& avx512_vnni_level();
const Level& avx512_bf16_level();

/// REQUIRES: `isa` is one of isa_levels_here().
const Level& level_of(IsaLevel isa);

}  // namespace troupe::kernels
