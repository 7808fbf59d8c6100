#include "kernels/cpu/lanes_baseline.hpp"
#include "kernels/cpu/make_level.hpp"

namespace troupe::kernels {
namespace {

constexpr Level kLevel = make_level<BaselineLanes>();

}  // namespace

const Level& baseline_level() {
  return kLevel;
}

}  // namespace troupe::kernels
