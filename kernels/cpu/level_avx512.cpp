#include "kernels/cpu/lanes_avx512.hpp"
#include "kernels/cpu/make_level.hpp"

namespace troupe::kernels {
namespace {

constexpr Level kLevel = make_level<Avx512Lanes>();

}  // namespace

const Level& avx512_level() {
  return kLevel;
}

}  // namespace troupe::kernels
