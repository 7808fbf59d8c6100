// Arguments of norms, positions and SwiGLU with seeded values, for the tests on
// every device. Not copied where arguments point into them.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/rms_norm.hpp"
#include "kernels/rope.hpp"
#include "kernels/swiglu.hpp"
#include "tests/kernels/support.hpp"

namespace troupe::kernels {

// fp32 sums of up to a few thousand squares in lanes, a root within 2 ulp.
inline constexpr Tolerance kNormAllowed{1e-6, 2e-6};

struct RmsNormCase {
  RmsNormCase(std::int64_t rows, std::int64_t dim)
      : x{random_values(rows * dim, 1)},
        w{random_values(dim, 2)},
        residual{random_values(rows * dim, 3)},
        y(x.size()),
        args{.y = matrix_ref(y.data(), rows, dim),
             .x = matrix_ref(x.data(), rows, dim),
             .w = vector_ref(w.data(), dim),
             .eps = 1e-2f} {}
  RmsNormCase(const RmsNormCase&) = delete;
  RmsNormCase& operator=(const RmsNormCase&) = delete;

  std::vector<float> x, w, residual, y;
  RmsNorm::Args args;
};

struct RopeCase {
  RopeCase(std::vector<std::int32_t> at, std::int64_t heads, std::int64_t half_)
      : positions{std::move(at)},
        rows{static_cast<std::int64_t>(positions.size())},
        half{half_},
        width{heads * 2 * half_},
        cos(static_cast<std::size_t>(rows * half)),
        sin(cos.size()),
        x{random_values(rows * width, 1)},
        y(x.size()) {}

  RopeTable::Args table(float theta) {
    return {.cos = matrix_ref(cos.data(), rows, half),
            .sin = matrix_ref(sin.data(), rows, half),
            .positions = vector_ref(positions.data(), rows),
            .theta = theta};
  }
  Rope::Args args() {
    return {.y = matrix_ref(y.data(), rows, width),
            .x = matrix_ref(x.data(), rows, width),
            .cos = matrix_ref(cos.data(), rows, half),
            .sin = matrix_ref(sin.data(), rows, half)};
  }

  std::vector<std::int32_t> positions;
  std::int64_t rows, half, width;
  std::vector<float> cos, sin, x, y;
};

// An exponential within 2 ulp, a division and a product.
inline constexpr Tolerance kSwigluAllowed{1e-37, 1e-6};

struct SwigluCase {
  SwigluCase(std::int64_t rows, std::int64_t dim)
      : gate{random_values(rows * dim, 1)},
        up{random_values(rows * dim, 2)},
        y(gate.size()),
        args{.y = matrix_ref(y.data(), rows, dim),
             .gate = matrix_ref(gate.data(), rows, dim),
             .up = matrix_ref(up.data(), rows, dim)} {
    for (auto& value : gate) value *= 8;  // Where silu bends and where not.
  }
  SwigluCase(const SwigluCase&) = delete;
  SwigluCase& operator=(const SwigluCase&) = delete;

  /// At the ends of the range, and no numbers. REQUIRES: made for [1, 6].
  void fill_with_ends() {
    gate = {100, -100, 1e30f, -1e30f, NAN, 3};
    up = {2, 2, 2, 2, 2, NAN};
  }
  void check_ends() const {
    EXPECT_FLOAT_EQ(y[0], 200);
    EXPECT_NEAR(y[1], 0, 1e-30);
    EXPECT_FLOAT_EQ(y[2], 2e30f);
    EXPECT_LE(std::abs(y[3]), 1e-7f);
    EXPECT_TRUE(std::isnan(y[4]));
    EXPECT_TRUE(std::isnan(y[5]));
  }

  std::vector<float> gate, up, y;
  SwiGlu::Args args;
};

}  // namespace troupe::kernels
