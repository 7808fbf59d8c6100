#include "cluster/client_folder.hpp"

#include "codec/json.hpp"
#include "platform/file.hpp"

namespace troupe::cluster {
namespace fs = std::filesystem;
namespace {

Status copy_pem(const fs::path& from, const fs::path& to) {
  auto text = platform::read_file(from, 1u << 20);
  if (!text) return text.error();
  return platform::write_file_atomically(to, *text, 0600);
}

Status fill(const fs::path& folder, const TlsFiles& client,
            const NodeAddress& address) {
  const auto files = admin_files(folder);
  auto made = platform::make_dirs(files.key.parent_path(), 0700);
  if (!made) return made;
  for (const auto& [from, to] :
       {std::pair{client.authority, files.authority},
        std::pair{client.certificate, files.certificate},
        std::pair{client.key, files.key}})
    if (auto copied = copy_pem(from, to); !copied) return copied;
  return platform::write_file_atomically(
      node_address_file(folder), dump_json(to_json(address)) + "\n", 0600);
}

}  // namespace

Status write_client_folder(const fs::path& to, const TlsFiles& client,
                           NodeAddress address) {
  address.pid = 0;  // Of another machine.
  address.store_id.clear();
  const fs::path draft = to.string() + ".tmp";
  std::error_code ignored;
  fs::remove_all(draft, ignored);
  if (auto made = platform::make_dirs(draft, 0700); !made) return made;
  if (auto filled = fill(draft, client, address); !filled) return filled;
  return platform::rename_durably(draft, to);
}

Status check_node_folder(const fs::path& data) {
  if (!is_client_folder(data)) return ok();
  const auto address = read_node_address(data);
  return Error{Errc::invalid_argument,
               data.string() + " is the folder of a client" +
                   (address ? " of the node at " + address->host + ":" +
                                  std::to_string(address->port)
                            : std::string{}) +
                   ": that needs the node's own folder"};
}

}  // namespace troupe::cluster
