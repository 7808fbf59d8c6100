#include "cluster/pki.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "platform/file.hpp"

namespace troupe::cluster {
namespace fs = std::filesystem;
namespace {

// Of the commands on this machine; made with the authority.
constexpr std::string_view kOwnClient = "admin";
constexpr UnixMs kDayMs = 24LL * 3600 * 1000;
// Leaves outlive no disk; expiry is for lost laptops, revocation for today.
constexpr UnixMs kLeafDays = 5 * 365;
constexpr UnixMs kAuthorityDays = 30 * 365;
constexpr std::size_t kMaxName = 48;  // With a prefix still a valid CN.

// A day back: the clocks of two machines differ.
Validity days(UnixMs now, UnixMs count) {
  return {now - kDayMs, now + count * kDayMs};
}

fs::path tls_dir(const fs::path& data) {
  return data / "tls";
}

/// Of files that a client or worker elsewhere was given.
constexpr std::string_view kBringAgain =
    "bring the three files here again that troupe clients add made on the "
    "node's machine, or make new ones there";

/// `help`: what to do about it, where that is not said yet.
Error about(const fs::path& file, Error error, std::string_view help) {
  const bool says_it = error.message.ends_with(kCheckTheClock);
  error.message = file.string() + ": " + error.message;
  if (!says_it) error.message += "; " + std::string(help);
  return error;
}

Status write_pair(const fs::path& dir, const std::string& name,
                  const KeyPair& pair) {
  auto key =
      platform::write_file_atomically(dir / (name + ".key"), pair.key, 0600);
  if (!key) return key;
  return platform::write_file_atomically(dir / (name + ".pem"),
                                         pair.certificate, 0600);
}

Result<std::string> read_pem(const fs::path& file, std::string_view help) {
  auto text = platform::read_file(file, 1u << 20);
  if (text) return text;
  auto error = text.error();
  if (error.code == Errc::not_found)
    return about(file, {Errc::not_found, "the file is missing"}, help);
  error.message = file.string() + ": " + error.message;
  return error;
}

Status check_key(const fs::path& file) {
  return platform::check_private(file, "private key");
}

Result<KeyPair> read_pair(const fs::path& certificate, const fs::path& key,
                          std::string_view help) {
  auto first = read_pem(certificate, help);
  if (!first) return first.error();
  if (auto good = check_key(key); !good) return good.error();
  auto second = read_pem(key, help);
  if (!second) return second.error();
  return KeyPair{*std::move(first), *std::move(second)};
}

/// What is missing in the folder's own identity was there once and is lost.
Error lost(const fs::path& data, Error error) {
  if (error.code == Errc::not_found &&
      (has_identity(data) || is_client_folder(data)))
    error.code = Errc::corrupt;
  return error;
}

Result<KeyPair> read_authority(const fs::path& data, UnixMs now) {
  const auto dir = tls_dir(data);
  const auto certificate = dir / "authority.pem";
  if (!has_identity(data)) return never_started(dir);
  const auto key = dir / "authority.key";
  auto first = read_pem(certificate, how_to_mend(dir));
  if (!first) return lost(data, first.error());
  if (auto good = check_authority({*first, {}}, now); !good)
    return about(certificate, good.error(), how_to_mend(dir));
  if (auto good = check_key(key); !good) return good.error();
  auto second = read_pem(key, how_to_mend_authority_key(dir));
  if (!second) return lost(data, second.error());
  KeyPair pair{*std::move(first), *std::move(second)};
  // An empty key would pass for one that is not asked for.
  auto good = pair.key.empty() ? Status{Error{Errc::corrupt, "it is empty"}}
                               : check_authority(pair, now);
  if (!good) return about(key, good.error(), how_to_mend_authority_key(dir));
  return pair;
}

Status check_files(const TlsFiles& files, Purpose purpose, UnixMs now,
                   std::string_view help) {
  auto authority = read_pem(files.authority, help);
  if (!authority) return authority.error();
  if (auto good = check_authority({*authority, {}}, now); !good)
    return about(files.authority, good.error(), help);
  auto pair = read_pair(files.certificate, files.key, help);
  if (!pair) return pair.error();
  if (auto good = check(*pair, *authority, purpose, now); !good)
    return about(files.certificate, good.error(), help);
  return ok();
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && text.front() != '.' &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
         });
}

Status check_principal(const Principal& principal) {
  Error error{Errc::invalid_argument, {}};
  const auto check_name = [&](const char* path, const std::string& name) {
    if (is_name(name)) return;
    const std::string allowed = "'" + name + "' must be 1 to " +
                                std::to_string(kMaxName) +
                                " letters, digits, '-', '_' or '.', not "
                                "beginning with '.'";
    error.message += (error.message.empty() ? "the " : "; the ") +
                     std::string(path) + " " + allowed;
    error.faults.push_back({path, allowed});
  };
  check_name("name", principal.name);
  check_name("tenant", principal.tenant);
  if (error.faults.empty()) return ok();
  return error;
}

Result<std::vector<KnownClient>> clients_called(const fs::path& data,
                                                const std::string& who) {
  auto clients = read_clients(clients_file(data));
  if (clients)
    std::erase_if(*clients, [&](const KnownClient& x) {
      return x.principal.name != who && x.fingerprint != who;
    });
  return clients;
}

/// Removes the files of this name if they are this certificate's.
void remove_files(const fs::path& data, const KnownClient& client) {
  const auto stem = tls_dir(data) / "clients" / client.principal.name;
  const auto pem = platform::read_file(stem.string() + ".pem", 1u << 20);
  if (!pem) return;
  const auto print = fingerprint(*pem);
  if (!print || *print != client.fingerprint) return;
  std::error_code ignored;
  for (const auto* kind : {".key", ".pem"})
    fs::remove(stem.string() + kind, ignored);
}

Status fill(const fs::path& dir, const std::string& node_name, UnixMs now) {
  auto authority = make_authority(
      "Troupe authority of " + node_name.substr(0, kMaxName - 20),
      days(now, kAuthorityDays));
  if (!authority) return authority.error();
  auto node = issue(*authority, "node " + node_name.substr(0, kMaxName),
                    Purpose::node, days(now, kLeafDays));
  if (!node) return node.error();
  auto admin =
      issue(*authority, "admin", Purpose::client, days(now, kLeafDays));
  if (!admin) return admin.error();
  if (auto done = write_pair(dir, "authority", *authority); !done) return done;
  if (auto done = write_pair(dir, "node", *node); !done) return done;
  if (auto done = write_pair(dir, "admin", *admin); !done) return done;
  auto print = fingerprint(admin->certificate);
  if (!print) return print.error();
  if (auto done = platform::make_dirs(dir / "clients", 0700); !done)
    return done;
  return create_clients(
      dir / "clients.json",
      {*print, {std::string{kOwnClient}, "default", Role::admin}, now});
}

}  // namespace

TlsFiles node_files(const fs::path& data) {
  const auto dir = tls_dir(data);
  return {dir / "authority.pem", dir / "node.pem", dir / "node.key"};
}

TlsFiles admin_files(const fs::path& data) {
  const auto dir = tls_dir(data);
  return {dir / "authority.pem", dir / "admin.pem", dir / "admin.key"};
}

fs::path clients_file(const fs::path& data) {
  return tls_dir(data) / "clients.json";
}

bool has_identity(const fs::path& data) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(tls_dir(data), ignored));
}

bool is_client_folder(const fs::path& data) {
  std::error_code ignored;
  const auto there = [&](const char* name) {
    return fs::exists(data / name, ignored);
  };
  for (const auto* of_a_node :
       {"store", "store.id", "tls/authority.key", "tls/node.key",
        "tls/node.pem", "tls/clients.json", "tls/clients"})
    if (there(of_a_node)) return false;
  return there("tls/admin.key") || there("tls/admin.pem") ||
         there("tls/authority.pem") || there("node.json");
}

std::string how_to_renew() {
  return "ask the administrator for a new folder, made on the node's machine "
         "with: troupe clients add NAME --to DIR";
}

Status ensure_identity(const fs::path& data, const std::string& node_name,
                       UnixMs now) {
  const auto dir = tls_dir(data);
  if (has_identity(data)) return ok();
  std::error_code ignored;
  // Whole or not at all: what a crash leaves behind is swept here.
  const auto draft = data / "tls.tmp";
  fs::remove_all(draft, ignored);
  if (auto done = platform::make_dirs(draft, 0700); !done) return done;
  if (auto done = fill(draft, node_name, now); !done) return done;
  return platform::rename_durably(draft, dir);
}

Status check_files(const TlsFiles& files, Purpose purpose, UnixMs now) {
  return check_files(files, purpose, now, kBringAgain);
}

Status check_admin_identity(const fs::path& data, UnixMs now) {
  auto good = check_files(
      admin_files(data), Purpose::client, now,
      is_client_folder(data) ? how_to_renew() : how_to_mend(tls_dir(data)));
  if (!good) return lost(data, good.error());
  return good;
}

Status check_node_identity(const fs::path& data, UnixMs now) {
  const auto dir = tls_dir(data);
  if (auto good = platform::check_private(dir, "folder of keys"); !good)
    return good;
  for (const auto* key : {"authority.key", "admin.key"})
    if (auto good = check_key(dir / key); !good) return good;
  if (auto good =
          check_files(node_files(data), Purpose::node, now, how_to_mend(dir));
      !good)
    return lost(data, good.error());
  auto clients = read_clients(clients_file(data));
  if (!clients) return clients.error();
  return ok();
}

Status check_authority_identity(const fs::path& data, UnixMs now) {
  if (auto authority = read_authority(data, now); !authority)
    return authority.error();
  return ok();
}

Result<IssuedClient> issue_client(const fs::path& data,
                                  const Principal& principal, UnixMs now) {
  if (auto good = check_principal(principal); !good) return good.error();
  auto authority = read_authority(data, now);
  if (!authority) return authority.error();
  const auto dir = tls_dir(data) / "clients";
  IssuedClient issued;
  issued.files = {tls_dir(data) / "authority.pem",
                  dir / (principal.name + ".pem"),
                  dir / (principal.name + ".key")};
  const auto same = clients_called(data, principal.name);
  if (!same) return same.error();
  if (!same->empty() || principal.name == "admin")
    return Error{Errc::already_exists,
                 "there is a client named \"" + principal.name +
                     "\" already; choose another name, or remove it first: "
                     "troupe clients remove " +
                     principal.name};
  const auto purpose =
      principal.role == Role::node ? Purpose::node : Purpose::client;
  auto pair = issue(*authority, principal.name, purpose, days(now, kLeafDays));
  if (!pair) return pair.error();
  auto print = fingerprint(pair->certificate);
  if (!print) return print.error();
  issued.fingerprint = *print;
  if (auto done = platform::make_dirs(dir, 0700); !done) return done.error();
  if (auto done = write_pair(dir, principal.name, *pair); !done)
    return done.error();
  if (auto done = add_client(clients_file(data), {*print, principal, now});
      !done)
    return done.error();
  return issued;
}

Result<std::vector<KnownClient>> revoke_client(const fs::path& data,
                                               const std::string& who) {
  auto removed = clients_called(data, who);
  if (!removed) return removed;
  for (const auto& client : *removed)
    if (client.principal.name == kOwnClient)
      return Error{Errc::invalid_argument,
                   "'" + client.principal.name +
                       "' is this folder's own client: without it no command "
                       "here reaches the node"};
  for (const auto& client : *removed) {
    auto done = remove_client(clients_file(data), client.fingerprint);
    if (!done) return done.error();
    remove_files(data, client);
  }
  return removed;
}

}  // namespace troupe::cluster
