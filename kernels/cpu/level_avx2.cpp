#include "kernels/cpu/lanes_avx2.hpp"
#include "kernels/cpu/make_level.hpp"

namespace troupe::kernels {
namespace {

constexpr Level kLevel = make_level<Avx2Lanes>();

}  // namespace

const Level& avx2_level() {
  return kLevel;
}

}  // namespace troupe::kernels
