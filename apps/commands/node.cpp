// troupe node: runs the node of this data folder until it is told to stop.
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "apps/commands/commands.hpp"
#include "apps/local_files.hpp"
#include "apps/node.hpp"
#include "apps/node_use.hpp"
#include "config/host.hpp"
#include "config/load.hpp"
#include "core/amounts.hpp"
#include "platform/file.hpp"

namespace troupe::commands {
namespace {

struct NodeFlags {
  std::string name;
  std::string listen;
  std::int64_t port = -1;
  Overrides set;
  bool until_stdin_closes = false;
};

Overrides overrides(const NodeFlags& flags) {
  Overrides all = flags.set;
  if (!flags.name.empty()) all.push_back("node.name=" + flags.name);
  if (!flags.listen.empty()) all.push_back("node.listen=" + flags.listen);
  if (flags.port >= 0) all.push_back("node.port=" + std::to_string(flags.port));
  return all;
}

/// Tells this process to stop when the one that started it is gone (the other
/// end of the pipe closes then, whatever that one died of) and no other needs
/// it.
void stop_with_stdin(const std::filesystem::path& data) {
  std::thread{[data] {
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) continue;
    NodeUse::outlast(data);
    ::kill(::getpid(), SIGTERM);
  }}.detach();
}

Error too_full(const Error& error, const NodeOptions& options) {
  const auto space = platform::disk_space(options.data);
  const auto& store = options.config.store;
  auto text =
      options.data.string() + ": no room to start a node: " + error.message;
  if (space) text += "; " + bytes_text(space->free_bytes) + " are free there";
  text += "; jobs are taken from " +
          bytes_text(static_cast<std::uint64_t>(store.low_water_bytes +
                                                store.reserve_bytes)) +
          " (store.low_water_bytes and store.reserve_bytes); free space and "
          "start again";
  return {Errc::disk_full, text};
}

ExitCode node(Invocation& call, const NodeFlags& flags) {
  auto data = call.session.node_folder();
  if (!data) return call.misused(data.error());
  if (!flags.listen.empty())
    if (const auto fault = host_fault(flags.listen); !fault.empty())
      return call.misused("--listen: " + fault);
  auto loaded = load_config(*data, overrides(flags));
  if (!loaded) return call.misused(loaded.error());
  if (auto made = make_named_folder(*data, true); !made) {
    auto error = made.error();
    if (error.code == Errc::invalid_argument)
      error.message = "data folder: " + error.message;
    return call.refuse(error);
  }
  NodeOptions options;
  options.data = *data;
  options.config = loaded->config;
  options.leaves_with_starter = flags.until_stdin_closes;
  options.ready = [&call, &options, &flags](const std::string& text) {
    if (call.json)
      call.print({{"ready", true},
                  {"listening", text},
                  {"data", options.data.string()},
                  {"pid", ::getpid()}});
    else
      call.out() << "troupe node: " << text << ", data in "
                 << options.data.string() << std::endl;
    if (flags.until_stdin_closes) stop_with_stdin(options.data);
  };
  auto ran = run_node(options);
  if (ran) return ExitCode::ok;
  return call.refuse(ran.error().code == Errc::disk_full
                         ? too_full(ran.error(), options)
                         : ran.error());
}

}  // namespace

void add_node(CLI::App& root, Invocation& call) {
  auto flags = std::make_shared<NodeFlags>();
  auto* command =
      add_command(root, call, "node",
                  "Run a node on this data folder until SIGTERM or Ctrl-C",
                  [&call, flags] { return node(call, *flags); });
  command->add_option("--name", flags->name, "The node's name")
      ->type_name("NAME");
  command->add_option("--listen", flags->listen, "Address to listen on")
      ->type_name("ADDRESS");
  add_number(*command, "--port", flags->port, "Port to listen on; 0: any",
             "PORT", 0, 65'535);
  command
      ->add_option("--set", flags->set,
                   "A setting, as in docs/configuration.md; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command->add_flag("--until-stdin-closes", flags->until_stdin_closes,
                    "As `run` starts it: print to own-node.log, and stop when "
                    "standard input ends and no `run` needs it");
}

}  // namespace troupe::commands
