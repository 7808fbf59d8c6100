// troupe backup: a copy of the node's store and files, taken while it works.
#include <filesystem>

#include "apps/commands/commands.hpp"

namespace troupe::commands {
namespace {

ExitCode backup(Invocation& call, const std::string& folder) {
  std::error_code failed;
  const auto to = std::filesystem::absolute(folder, failed);
  if (failed) return call.misused(folder + ": " + failed.message());
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
