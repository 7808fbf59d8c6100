// troupe backup: a copy of the node's store and files, taken while it works.
#include <filesystem>

#include "apps/commands/commands.hpp"
#include "apps/local_files.hpp"
#include "cluster/client_folder.hpp"

namespace troupe::commands {
namespace {

/// Why no folder can be made there; empty: it can, or it is there.
std::string place_fault(std::filesystem::path folder) {
  if (folder.filename().empty()) folder = folder.parent_path();
  const bool is_there = folder_fault(folder).empty();
  std::error_code ignored;
  if (!is_there && std::filesystem::exists(folder, ignored))
    return folder_fault(folder);
  return folder_fault(folder.parent_path());
}

ExitCode backup(Invocation& call, const std::string& folder) {
  std::error_code failed;
  const auto to = std::filesystem::absolute(folder, failed);
  if (failed) return call.misused(folder + ": " + failed.message());
  auto data = call.session.data();
  if (!data) return call.refuse(data.error());
  // Of another machine only the node can judge it.
  if (!cluster::is_client_folder(data->path))
    if (auto wrong = place_fault(to); !wrong.empty())
      return call.misused(wrong);
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  auto done = (*client)->backup(to.string());
  if (!done) return call.fail(done.error());
  if (call.json)
    call.print({{"path", to.string()}});
  else
    call.out() << to.string() << " is complete; start from it with: troupe "
               << "node --data " << to.string() << "\n";
  return ExitCode::ok;
}

}  // namespace

void add_backup(CLI::App& root, Invocation& call) {
  auto folder = std::make_shared<std::string>();
  add_command(root, call, "backup",
              "Copy store and files to a new folder of the node's machine, "
              "while the node works",
              [&call, folder] { return backup(call, *folder); })
      ->add_option("dir", *folder, "The folder, which must not exist")
      ->type_name("DIR")
      ->required();
}

}  // namespace troupe::commands
