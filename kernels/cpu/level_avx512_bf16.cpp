#include "kernels/cpu/lanes_avx512_bf16.hpp"
#include "kernels/cpu/make_level.hpp"

namespace troupe::kernels {
namespace {

constexpr Level kLevel = make_level<Avx512Bf16Lanes>();

}  // namespace

const Level& avx512_bf16_level() {
  return kLevel;
}

}  // namespace troupe::kernels
