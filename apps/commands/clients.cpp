// troupe clients: certificates for programs and people elsewhere. Works on the
// data folder itself; a running node sees the change at the next connection.
#include <algorithm>

#include "apps/commands/commands.hpp"
#include "apps/render/amounts.hpp"
#include "apps/render/table.hpp"
#include "cluster/clients.hpp"
#include "cluster/pki.hpp"
#include "core/nearest.hpp"

namespace troupe::commands {
namespace {

using cluster::KnownClient;

struct AddOptions {
  std::string name;
  std::string tenant = "default";
  std::string role = "user";
};

Result<Role> role_of(const std::string& name) {
  // In the order of Role. A node's certificate is for a worker elsewhere.
  const std::vector<std::string> known{"viewer", "user", "admin", "node"};
  for (std::size_t i = 0; i < known.size(); ++i)
    if (known[i] == name) return static_cast<Role>(i + 1);
  return Error{Errc::invalid_argument,
               "unknown role '" + name + "'" + known_names(name, known)};
}

ExitCode add(Invocation& call, const AddOptions& options) {
  auto role = role_of(options.role);
  if (!role) return call.misused(role.error().message);
  auto data = call.session.data();
  if (!data) return call.misused(data.error().message);
  auto issued =
      cluster::issue_client(data->path, {options.name, options.tenant, *role},
                            system_wall_clock().now());
  if (!issued)
    return issued.error().code == Errc::invalid_argument
               ? call.misused(issued.error())
               : call.fail(issued.error());
  const auto& files = issued->files;
  if (call.json) {
    call.print({{"name", options.name},
                {"fingerprint", issued->fingerprint},
                {"authority", files.authority.string()},
                {"certificate", files.certificate.string()},
                {"key", files.key.string()}});
    return ExitCode::ok;
  }
  call.out() << "made for " << options.name << ":\n  "
             << files.authority.string() << "\n  " << files.certificate.string()
             << "\n  " << files.key.string()
             << "\nBring these three files to where it is to be used; the key "
                "is its password.\n";
  return ExitCode::ok;
}

ExitCode list_clients(Invocation& call) {
  auto data = call.session.data();
  if (!data) return call.misused(data.error().message);
  auto clients = cluster::read_clients(cluster::clients_file(data->path));
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
  auto data = call.session.data();
  if (!data) return call.misused(data.error().message);
  auto clients = cluster::read_clients(cluster::clients_file(data->path));
  if (!clients) return call.fail(clients.error());
  auto removed = cluster::revoke_client(data->path, who);
  if (!removed)
    return removed.error().code == Errc::invalid_argument
               ? call.misused(removed.error())
               : call.fail(removed.error());
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
  add_command(*clients, call, "list", "All clients this node knows",
              [&call] { return list_clients(call); });
  auto who = std::make_shared<std::string>();
  add_command(*clients, call, "remove",
              "Shut a client out at its next connection",
              [&call, who] { return remove(call, *who); })
      ->add_option("name", *who, "Its name or fingerprint")
      ->type_name("NAME")
      ->required();
}

}  // namespace troupe::commands
