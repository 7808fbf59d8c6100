// troupe queue: pause, resume and drain; and how it stands.
#include "apps/commands/commands.hpp"
#include "apps/render/amounts.hpp"
#include "apps/render/json.hpp"
#include "apps/render/table.hpp"
#include "core/amounts.hpp"
#include "kinds/kinds.hpp"

namespace troupe::commands {
namespace {

struct QueueOptions {
  std::string kind;
  std::string device;
};

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return render::printable(text);
}

std::string text(const ControlReply& reply) {
  std::string out = reply.paused     ? "paused"
                    : reply.draining ? "draining"
                                     : "open";
  if (reply.paused && reply.draining) out += ", draining";
  if (!reply.paused_kinds.empty())
    out += "; paused kinds: " + list(reply.paused_kinds);
  if (!reply.paused_devices.empty())
    out += "; paused devices: " + list(reply.paused_devices);
  if (!reply.down_devices.empty())
    out += "; devices that are down: " + list(reply.down_devices);
  if (!reply.draining_kinds.empty())
    out += "; draining kinds: " + list(reply.draining_kinds);
  return out + "; " + std::to_string(reply.running) + " running, " +
         std::to_string(reply.queued) + " queued, " +
         std::to_string(reply.blocked) + " blocked\n";
}

/// Empty for a device that is down.
std::string slots_of(const ControlReply& queue, const std::string& device) {
  for (const auto& slots : queue.slots)
    if (slots.device == device)
      return std::to_string(slots.used) + " of " +
             count_of(slots.total, "slot");
  return {};
}

ExitCode order(Invocation& call, ControlVerb verb,
               const QueueOptions& options) {
  if (!options.kind.empty() && !options.device.empty())
    return call.misused("give --kind or --device, not both");
  if (!options.kind.empty() && !find_kind(call.session.kinds, options.kind))
    return call.misused("--kind " +
                        unknown_kind(call.session.kinds, options.kind));
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  ControlRequest request;
  request.verb = verb;
  request.kind = options.kind;
  request.device = options.device;
  auto reply = (*client)->control(request);
  if (!reply) return call.fail(reply.error());
  if (call.json)
    call.print(to_json(*reply));
  else
    call.out() << text(*reply);
  return ExitCode::ok;
}

ExitCode show_queue(Invocation& call) {
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  auto status = (*client)->status();
  if (!status) return call.fail(status.error());
  if (call.json) {
    call.print(to_json(*status));
    return ExitCode::ok;
  }
  call.out() << status->node << ", " << status->version << "\n"
             << text(status->queue) << "accepting: " << status->accepting
             << "\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& ledger : status->ledgers) {
    rows.push_back(
        {ledger.device, slots_of(status->queue, ledger.device),
         render::bytes(ledger.reserved_bytes) + " of " +
             render::bytes(ledger.total_bytes) + " reserved",
         std::to_string(ledger.reservations.size()) +
             (ledger.reservations.size() == 1 ? " owner" : " owners")});
    for (const auto& part : ledger.parts)
      rows.push_back(
          {"", "", render::printable(part.model) + ", " + part.name,
           render::bytes(part.bytes) +
               (part.users == 0 ? ", idle"
                : part.users == 1
                    ? ", 1 user"
                    : ", " + std::to_string(part.users) + " users")});
  }
  call.out() << render::table(rows);
  return ExitCode::ok;
}

void add_order(CLI::App& queue, Invocation& call, ControlVerb verb,
               const std::string& help) {
  auto o = std::make_shared<QueueOptions>();
  auto* command =
      add_command(queue, call, std::string(to_string(verb)), help,
                  [&call, verb, o] { return order(call, verb, *o); });
  command->add_option("--kind", o->kind, "Only jobs of this kind")
      ->type_name("KIND");
  command->add_option("--device", o->device, "Only this device")
      ->type_name("NAME");
}

}  // namespace

void add_queue(CLI::App& root, Invocation& call) {
  auto* queue = add_group(root, call, "queue", "Direct the node's queue");
  add_order(*queue, call, ControlVerb::pause,
            "Start nothing more; what runs goes on");
  add_order(*queue, call, ControlVerb::resume, "Start jobs again");
  add_order(*queue, call, ControlVerb::drain,
            "Take no new jobs, finish what is here");
  add_command(*queue, call, "show", "How the queue and the devices stand",
              [&call] { return show_queue(call); });
}

}  // namespace troupe::commands
