// The identities of a node and its clients as files in the data folder. Made
// once, on the first start; never silently made again, because a new authority
// would shut every known client out.
//
//   DATA/tls/authority.pem .key   signs everything below
//            node.pem .key        serves and calls
//            admin.pem .key       the administrator on this machine
//            clients/NAME.pem .key  what issue_client() made
//            clients.json         which certificate stands for whom
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cluster/clients.hpp"
#include "cluster/x509.hpp"
#include "core/api.hpp"
#include "core/result.hpp"

namespace troupe::cluster {

/// PEM files; who holds `key` is who `certificate` says.
struct TlsFiles {
  std::filesystem::path authority;
  std::filesystem::path certificate;
  std::filesystem::path key;
};

TlsFiles node_files(const std::filesystem::path& data);
TlsFiles admin_files(const std::filesystem::path& data);
std::filesystem::path clients_file(const std::filesystem::path& data);

/// Whether DATA/tls is there. The first start of a node makes it; a file that
/// is missing in it later is lost, and no start makes it again.
bool has_identity(const std::filesystem::path& data);

/// Whether `data` is the folder of a client elsewhere (client_folder.hpp):
/// it holds a client's certificates or node.json, all or some of them, and
/// nothing of a node's.
bool is_client_folder(const std::filesystem::path& data);
/// What helps where a file of such a folder is lost or broken: the end of an
/// error's text.
std::string how_to_renew();

/// Makes DATA/tls when there is none, whole or not at all; folders 0700, files
/// 0600. Errors: those of the file system.
Status ensure_identity(const std::filesystem::path& data,
                       const std::string& node_name, UnixMs now);

/// Ok when these files, brought here from the node's machine, can be used for
/// `purpose` at `now`. Every error names the file and what helps. Errors:
/// not_found (missing), denied (unreadable, others may read the key, expired,
/// wrong purpose, not signed by the authority), corrupt (broken PEM, the key is
/// another certificate's).
Status check_files(const TlsFiles& files, Purpose purpose, UnixMs now);

/// The same for the administrator's files in the data folder itself, or the
/// client's in its own; there a missing file is `corrupt`, once has_identity().
Status check_admin_identity(const std::filesystem::path& data, UnixMs now);

/// Everything a node needs at start, checked: its own files, the authority,
/// the registry of clients; and that no other user may read the folder or a
/// private key in it. Errors: those of check_admin_identity().
Status check_node_identity(const std::filesystem::path& data, UnixMs now);

/// What only issue_client() needs: the authority with its key. Errors: those of
/// check_admin_identity().
Status check_authority_identity(const std::filesystem::path& data, UnixMs now);

struct IssuedClient {
  TlsFiles files;
  std::string fingerprint;
};

/// A certificate for a client elsewhere, registered at once; with the role
/// `node` one that may serve as well, for a worker. The name is also its file
/// name. Errors: invalid_argument (name or tenant), already_exists,
/// and those of the authority's files.
Result<IssuedClient> issue_client(const std::filesystem::path& data,
                                  const Principal& principal, UnixMs now);

/// Shuts out for ever the certificates of this name or fingerprint, removes
/// their files, and returns who they were; the name is free again.
/// Errors: invalid_argument (the folder's own client), those of the registry.
Result<std::vector<KnownClient>> revoke_client(
    const std::filesystem::path& data, const std::string& who);

}  // namespace troupe::cluster
