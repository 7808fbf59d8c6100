#include "apps/cancel_order.hpp"

namespace troupe {

bool CancelOrder::saw(int presses, SteadyMs now) {
  const bool first = presses_ == 0 && presses > 0;
  if (first) first_ms_ = now;
  presses_ = presses;
  return first;
}

bool CancelOrder::is_to_be_sent(SteadyMs now) const {
  return presses_ > 0 && !answered_ && !leaves(now);
}

void CancelOrder::answered(bool taken) {
  answered_ = true;
  taken_ = taken;
}

bool CancelOrder::leaves(SteadyMs now) const {
  if (presses_ > 2) return true;
  return presses_ == 2 && (answered_ || now >= first_ms_ + kAnswerMs);
}

}  // namespace troupe
