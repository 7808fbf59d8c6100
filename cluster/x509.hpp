// Certificates and keys as PEM text: making, signing and judging them. Knows
// no files and no roles beyond "may serve" and "may only call".
#pragma once

#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/result.hpp"

namespace troupe::cluster {

/// What the extended key usage of a certificate allows.
enum class Purpose : std::uint8_t {
  node = 1,  // Serves and calls.
  client,    // Only calls.
};

/// Half-open: [from_ms, until_ms).
struct Validity {
  UnixMs from_ms = 0;
  UnixMs until_ms = 0;
};

/// PEM text; `key` belongs to `certificate`.
struct KeyPair {
  std::string certificate;
  std::string key;
};

/// A self-signed P-256 authority that signs leaves only.
Result<KeyPair> make_authority(std::string_view name, Validity validity);

/// A fresh P-256 key and its certificate, signed by `authority`.
Result<KeyPair> issue(const KeyPair& authority, std::string_view name,
                      Purpose purpose, Validity validity);

/// SHA-256 of the certificate's DER form: 64 lower-case hex digits, the name
/// under which the other end of a connection knows it. Errors: corrupt.
Result<std::string> fingerprint(std::string_view certificate);

/// How the error of a certificate that is not valid yet ends.
inline constexpr std::string_view kCheckTheClock = "check the clock";

/// Ok when `pair` can be used for `purpose` at `now`: readable, belonging to
/// each other, within their validity and signed by `authority`.
/// Errors: corrupt (no PEM, or the key is another's), denied (expired, not yet
/// valid, signed by somebody else, not meant for this purpose).
Status check(const KeyPair& pair, std::string_view authority, Purpose purpose,
             UnixMs now);

/// The same for an authority's own certificate; its key may be absent.
Status check_authority(const KeyPair& authority, UnixMs now);

}  // namespace troupe::cluster
