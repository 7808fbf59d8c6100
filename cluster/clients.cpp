#include "cluster/clients.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "codec/json.hpp"
#include "platform/file.hpp"

namespace troupe::cluster {
namespace {

struct Registry {
  std::uint32_t version = 1;
  std::vector<KnownClient> clients;
};

template <class Inspector>
bool inspect(Inspector& f, Registry& x) {
  return f.object(x).fields(f.field("version", x.version),
                            f.field("clients", x.clients));
}

Status write_clients(const std::filesystem::path& file,
                     std::vector<KnownClient> clients) {
  const Json json = to_json(Registry{1, std::move(clients)});
  return platform::write_file_atomically(file, json.dump(2) + "\n", 0600);
}

constexpr std::string_view kPutBack =
    "put back a copy of your own (troupe backup takes no certificates along)";

std::string begin_anew(const std::filesystem::path& folder) {
  return "begin with a new authority, for which every client elsewhere needs a "
         "new certificate (troupe clients add); type: rm -r '" +
         folder.string() + "'";
}

Error missing(const std::filesystem::path& file) {
  const auto folder = file.parent_path();
  std::error_code ignored;
  if (!std::filesystem::exists(folder, ignored)) return never_started(folder);
  return {Errc::corrupt,
          file.string() +
              ": the registry of clients is missing, so nobody may connect; " +
              how_to_mend(folder)};
}

}  // namespace

Error never_started(const std::filesystem::path& folder) {
  return {Errc::not_found,
          folder.string() +
              " does not exist: the first start of troupe node makes it"};
}

std::string how_to_mend(const std::filesystem::path& folder) {
  return std::string{kPutBack} + ", or " + begin_anew(folder);
}

std::string how_to_mend_authority_key(const std::filesystem::path& folder) {
  return "the node works without it, but no client can be added; " +
         std::string{kPutBack} + "; only where there is none, " +
         begin_anew(folder);
}

Status create_clients(const std::filesystem::path& file, KnownClient client) {
  return write_clients(file, {std::move(client)});
}

Result<std::vector<KnownClient>> read_clients(
    const std::filesystem::path& file) {
  auto text = platform::read_file(file);
  if (!text) {
    if (text.error().code == Errc::not_found) return missing(file);
    return text.error();
  }
  auto broken = [&](const Error& why) {
    return Error{Errc::corrupt, "the registry of clients " + file.string() +
                                    " cannot be read: " + why.message + "; " +
                                    how_to_mend(file.parent_path())};
  };
  auto json = parse_json(*text);
  if (!json) return broken(json.error());
  auto registry = from_json<Registry>(*json);
  if (!registry) return broken(registry.error());
  return std::move(registry->clients);
}

Status add_client(const std::filesystem::path& file, KnownClient client) {
  auto clients = read_clients(file);
  if (!clients) return clients.error();
  std::erase_if(*clients, [&](const KnownClient& x) {
    return x.fingerprint == client.fingerprint;
  });
  clients->push_back(std::move(client));
  return write_clients(file, *std::move(clients));
}

Status remove_client(const std::filesystem::path& file,
                     const std::string& fingerprint) {
  auto clients = read_clients(file);
  if (!clients) return clients.error();
  const auto removed = std::erase_if(*clients, [&](const KnownClient& x) {
    return x.fingerprint == fingerprint;
  });
  if (removed == 0)
    return Error{Errc::not_found,
                 "no client has the fingerprint " + fingerprint};
  return write_clients(file, *std::move(clients));
}

ClientRegistry::ClientRegistry(std::filesystem::path file)
    : file_{std::move(file)} {}

Result<Principal> ClientRegistry::find(const std::string& fingerprint) {
  if (auto good = refresh(); !good) return good.error();
  const auto it =
      std::ranges::find(clients_, fingerprint, &KnownClient::fingerprint);
  if (it == clients_.end())
    return Error{Errc::denied,
                 "this certificate is not in the registry of clients; ask the "
                 "administrator for one (fingerprint " +
                     fingerprint.substr(0, 16) + ")"};
  return it->principal;
}

bool ClientRegistry::changed() {
  const auto now = stamp();
  return std::exchange(seen_, now) != now;
}

std::optional<ClientRegistry::Stamp> ClientRegistry::stamp() const {
  std::error_code unseen;
  Stamp stamp;
  stamp.written_at = std::filesystem::last_write_time(file_, unseen);
  if (unseen) return std::nullopt;
  stamp.bytes = std::filesystem::file_size(file_, unseen);
  if (unseen) return std::nullopt;
  return stamp;
}

Status ClientRegistry::refresh() {
  const auto now = stamp();
  if (now && now == read_) return ok();
  auto clients = read_clients(file_);
  if (!clients) return clients.error();
  clients_ = *std::move(clients);
  read_ = now;
  return ok();
}

}  // namespace troupe::cluster
