// The one bridge between troupe::Error and caf::error.
#pragma once

#include <caf/error.hpp>
#include <caf/result.hpp>

#include "actors/protocol.hpp"

namespace troupe {

/// Carries code, text, faults and the retry hint.
caf::error to_caf(const Error& e);

/// Keeps our own codes; a CAF time-out becomes `timeout`, everything else CAF
/// itself reports becomes `unavailable`, in words of ours.
Error from_caf(const caf::error& e);

/// Handler-side sugar: `return reply(ledger_.reserve(...));`.
template <class T>
caf::result<T> reply(Result<T> r) {
  if (r) return *std::move(r);
  return to_caf(r.error());
}

}  // namespace troupe
