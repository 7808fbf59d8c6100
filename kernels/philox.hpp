// Random numbers without a state: Philox4x32-10, a function of a key and a
// counter. What is drawn depends on what it is drawn for, never on when, in
// which batch or in which slot.
//
// Source: Salmon 2011, "Parallel random numbers: as easy as 1, 2, 3".
#pragma once

#include <array>
#include <cstdint>

namespace troupe::kernels {

using PhiloxKey = std::array<std::uint32_t, 2>;
using PhiloxBlock = std::array<std::uint32_t, 4>;

constexpr PhiloxBlock philox(PhiloxBlock counter, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    const auto a = std::uint64_t{0xD2511F53} * counter[0];
    const auto b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

constexpr PhiloxKey philox_key(std::uint64_t seed) {
  return {static_cast<std::uint32_t>(seed),
          static_cast<std::uint32_t>(seed >> 32)};
}

/// What a stream of draws is for: the last word of its counters.
enum class PhiloxUse : std::uint32_t { token = 1 };

/// Uniform of [0, 1), 53 bits, for the token at `position` (how many tokens
/// came before it) of choice `choice`.
constexpr double token_uniform(std::uint64_t seed, std::uint32_t choice,
                               std::uint32_t position) {
  const auto words = philox(
      {position, choice, 0, static_cast<std::uint32_t>(PhiloxUse::token)},
      philox_key(seed));
  const auto bits = (std::uint64_t{words[0]} << 32 | words[1]) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

}  // namespace troupe::kernels
