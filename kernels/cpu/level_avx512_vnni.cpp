#include "kernels/cpu/lanes_avx512_vnni.hpp"
#include "kernels/cpu/make_level.hpp"

namespace troupe::kernels {
namespace {

constexpr Level kLevel = make_level<Avx512VnniLanes>();

}  // namespace

const Level& avx512_vnni_level() {
  return kLevel;
}

}  // namespace troupe::kernels
