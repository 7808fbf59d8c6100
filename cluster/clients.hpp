// Which certificate stands for whom: the registry that an administrator edits
// and the gate reads. Removing an entry shuts that client out for ever.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/api.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"

namespace troupe::cluster {

struct KnownClient {
  std::string fingerprint;  // See x509.hpp.
  Principal principal;
  UnixMs issued_ms = 0;
};

template <class Inspector>
bool inspect(Inspector& f, KnownClient& x) {
  return f.object(x).fields(f.field("fingerprint", x.fingerprint),
                            f.field("principal", x.principal),
                            f.field("issued_ms", x.issued_ms));
}

/// What helps where a file in `folder`, a node's DATA/tls, is lost or broken:
/// the end of an error's text.
std::string how_to_mend(const std::filesystem::path& folder);
/// The same of its authority's key, without which the node still works.
std::string how_to_mend_authority_key(const std::filesystem::path& folder);

/// not_found: there is no DATA/tls (`folder`) yet.
Error never_started(const std::filesystem::path& folder);

/// The registry of a new identity: one client.
Status create_clients(const std::filesystem::path& file, KnownClient client);

/// `file` as JSON. Errors: not_found (no identity was made there yet), corrupt
/// (broken, or missing from one that was: never taken for an empty registry,
/// nor made again, which could let in who was removed), denied, io_error.
Result<std::vector<KnownClient>> read_clients(
    const std::filesystem::path& file);

/// Adds or replaces by fingerprint. Errors: those of read_clients.
Status add_client(const std::filesystem::path& file, KnownClient client);
/// Errors: not_found.
Status remove_client(const std::filesystem::path& file,
                     const std::string& fingerprint);

/// Looks clients up; reads the file again when it changed. Not thread-safe.
class ClientRegistry {
 public:
  explicit ClientRegistry(std::filesystem::path file);

  /// Errors: denied (nobody has this fingerprint), and those of read_clients.
  Result<Principal> find(const std::string& fingerprint);
  /// Whether the file may be another one than when this was last asked.
  bool changed();

 private:
  /// Tells one writing of the file from the next.
  struct Stamp {
    std::filesystem::file_time_type written_at;
    std::uintmax_t bytes = 0;
    bool operator==(const Stamp&) const = default;
  };
  std::optional<Stamp> stamp() const;  // Nothing: it cannot be seen.
  Status refresh();

  std::filesystem::path file_;
  std::optional<Stamp> read_;  // Of what clients_ holds.
  std::optional<Stamp> seen_;  // By changed().
  std::vector<KnownClient> clients_;
};

}  // namespace troupe::cluster
