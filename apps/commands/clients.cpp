// troupe clients: certificates for programs and people elsewhere. Works on the
// data folder itself; a running node sees the change within about a second.
#include <algorithm>

#include "apps/commands/commands.hpp"
#include "apps/render/amounts.hpp"
#include "apps/render/table.hpp"
#include "cluster/client_folder.hpp"
#include "cluster/clients.hpp"
#include "cluster/pki.hpp"
#include "config/host.hpp"
#include "core/nearest.hpp"
#include "platform/file.hpp"
#include "platform/listen.hpp"

namespace troupe::commands {
namespace {

using cluster::KnownClient;

struct AddOptions {
  std::string name;
  std::string tenant = "default";
  std::string role = "user";
  std::string to;    // The folder to make; empty: none.
  std::string host;  // Where the node is reached from there.
  std::int64_t port = 0;
};

Result<Role> role_of(const std::string& name) {
  // In the order of Role. A node's certificate is for a worker elsewhere.
  const std::vector<std::string> known{"viewer", "user", "admin", "node"};
  for (std::size_t i = 0; i < known.size(); ++i)
    if (known[i] == name) return static_cast<Role>(i + 1);
  return Error{Errc::invalid_argument,
               "unknown role '" + name + "'" + known_names(name, known)};
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

/// Where a client elsewhere reaches the node of this folder.
Result<cluster::NodeAddress> address_for(const std::filesystem::path& data,
                                         const AddOptions& options) {
  auto address = cluster::read_node_address(data);
  if (!address && options.port == 0)
    return Error{Errc::invalid_argument,
                 address.error().message + ", or say --port"};
  cluster::NodeAddress known;
  if (address) known = *address;
  if (options.port > 0) known.port = static_cast<std::uint16_t>(options.port);
  if (!options.host.empty())
    known.host = options.host;
  else if (known.host.empty() || is_loopback(known.host))
    return Error{Errc::invalid_argument,
                 "nobody elsewhere reaches " +
                     (known.host.empty() ? "this node" : known.host) +
                     ": start the node with --listen 0.0.0.0 --port NUMBER, "
                     "or say --host NAME where a tunnel leads to it"};
  else if (known.host == "0.0.0.0" || known.host == "::")
    known.host = platform::host_name();
  auto pem = platform::read_file(cluster::node_files(data).certificate);
  if (!pem) return pem.error();
  auto print = cluster::fingerprint(*pem);
  if (!print) return print.error();
  known.fingerprint = *print;
  return known;
}

/// How to say a port that stands in `host`.
std::string said_apart(const std::string& host) {
  const auto parts = split_port(host);
  if (!parts) return {};
  return "; type: --host " + std::string(parts->host) + " --port " +
         std::string(parts->port);
}

/// What --to asks for, judged before a certificate is made.
Result<cluster::NodeAddress> check_to(const std::filesystem::path& data,
                                      const AddOptions& options, Role role) {
  const auto bad = [](std::string text) {
    return Error{Errc::invalid_argument, std::move(text)};
  };
  if (options.to.empty()) {
    if (!options.host.empty() || options.port > 0)
      return bad("--host and --port say what stands in the folder of --to DIR");
    return cluster::NodeAddress{};
  }
  if (!options.host.empty())
    if (auto fault = host_fault(options.host); !fault.empty())
      return bad("--host: " + fault + said_apart(options.host));
  if (role == Role::node)
    return bad("--to makes a client's folder; a worker takes the three files");
  std::error_code ignored;
  if (std::filesystem::exists(
          std::filesystem::symlink_status(options.to, ignored)))
    return bad("--to: " + options.to + " exists already");
  return address_for(data, options);
}

ExitCode add(Invocation& call, const AddOptions& options) {
  auto role = role_of(options.role);
  if (!role) return call.misused(role.error().message);
  auto data = call.session.node_folder();
  if (!data) return call.misused(data.error());
  auto address = check_to(*data, options, *role);
  if (!address) return call.refuse(address.error());
  auto issued = cluster::issue_client(
      *data, {options.name, options.tenant, *role}, system_wall_clock().now());
  if (!issued) return call.refuse(issued.error());
  const auto& files = issued->files;
  if (!options.to.empty()) {
    auto made = cluster::write_client_folder(options.to, files, *address);
    if (!made) return call.fail(made.error());
  }
  if (call.json) {
    Json json{{"name", options.name},
              {"fingerprint", issued->fingerprint},
              {"authority", files.authority.string()},
              {"certificate", files.certificate.string()},
              {"key", files.key.string()}};
    if (!options.to.empty()) {
      json["folder"] = options.to;
      json["host"] = address->host;
      json["port"] = address->port;
    }
    call.print(json);
    return ExitCode::ok;
  }
  if (!options.to.empty()) {
    call.out() << "made " << options.to << " for " << options.name
               << ", who reaches the node at " << address->host << ":"
               << address->port
               << "\nBring the folder there; it holds a key, its password. "
                  "Then: troupe --data "
               << options.to << " jobs list\n";
    return ExitCode::ok;
  }
  call.out() << "made for " << options.name << ":\n  "
             << files.authority.string() << "\n  " << files.certificate.string()
             << "\n  " << files.key.string()
             << "\nBring these three files to where it is to be used; the key "
                "is its password. For the troupe program there make a folder "
                "instead: --to DIR.\n";
  return ExitCode::ok;
}

ExitCode list_clients(Invocation& call) {
  auto data = call.session.node_folder();
  if (!data) return call.misused(data.error());
  auto clients = cluster::read_clients(cluster::clients_file(*data));
  if (!clients) return call.fail(clients.error());
  std::vector<std::vector<std::string>> rows{
      {"NAME", "TENANT", "ROLE", "ISSUED", "FINGERPRINT"}};
  for (const auto& client : *clients) {
    if (call.json) call.print(to_json(client));
    rows.push_back({client.principal.name, client.principal.tenant,
                    std::string(to_string(client.principal.role)),
                    render::local_time(client.issued_ms), client.fingerprint});
  }
  if (!call.json) call.out() << render::table(rows);
  return ExitCode::ok;
}

ExitCode remove(Invocation& call, const std::string& who) {
  auto data = call.session.node_folder();
  if (!data) return call.misused(data.error());
  auto clients = cluster::read_clients(cluster::clients_file(*data));
  if (!clients) return call.fail(clients.error());
  auto removed = cluster::revoke_client(*data, who);
  if (!removed) return call.refuse(removed.error());
  if (removed->empty()) {
    std::vector<std::string> names;
    for (const auto& client : *clients) names.push_back(client.principal.name);
    return call.fail(
        {Errc::not_found, "no client '" + who + "'" + known_names(who, names)});
  }
  for (const auto& client : *removed) {
    if (call.json)
      call.print({{"removed", client.principal.name},
                  {"fingerprint", client.fingerprint}});
    else
      call.out() << "removed " << client.principal.name << " "
                 << client.fingerprint << "\n";
  }
  return ExitCode::ok;
}

}  // namespace

void add_clients(CLI::App& root, Invocation& call) {
  auto* clients =
      add_group(root, call, "clients", "Who else may talk to this node");
  auto o = std::make_shared<AddOptions>();
  auto* add_one = add_command(*clients, call, "add",
                              "Make a certificate for a client elsewhere",
                              [&call, o] { return add(call, *o); });
  add_one->add_option("name", o->name, "Its name")
      ->type_name("NAME")
      ->required();
  add_one->add_option("--tenant", o->tenant, "Whose jobs it sees")
      ->type_name("NAME");
  add_one
      ->add_option("--role", o->role, "viewer, user, admin, or node: a worker")
      ->type_name("ROLE");
  add_one
      ->add_option("--to", o->to,
                   "Make a folder to bring there; troupe --data DIR uses it")
      ->type_name("DIR");
  add_one->add_option("--host", o->host, "Where the node is reached from there")
      ->type_name("HOST");
  add_number(*add_one, "--port", o->port, "And its port", "PORT", 1, 65'535);
  add_command(*clients, call, "list", "All clients this node knows",
              [&call] { return list_clients(call); });
  auto who = std::make_shared<std::string>();
  add_command(*clients, call, "remove",
              "Shut a client out for ever, within about a second",
              [&call, who] { return remove(call, *who); })
      ->add_option("name", *who, "Its name or fingerprint")
      ->type_name("NAME")
      ->required();
}

}  // namespace troupe::commands
