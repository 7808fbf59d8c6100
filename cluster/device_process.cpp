#include "cluster/device_process.hpp"

#include <signal.h>

#include <utility>

#include "codec/msgpack.hpp"

namespace troupe::cluster {
namespace {

std::string how_it_ended(const Result<platform::ExitStatus>& status,
                         const Error& why) {
  // A closed pipe is only the sign; how it ended says more.
  const bool by_itself = why.code == Errc::unavailable;
  std::string text = "the device process ";
  if (!by_itself) return text + "was ended: " + why.message;
  if (!status) return text + "is gone: " + status.error().message;
  if (status->code)
    return text + "exited with " + std::to_string(*status->code);
  text += "was ended by " + platform::signal_name(status->signal.value_or(0));
  if (status->signal == SIGKILL)
    text += ", as the kernel does when memory runs out";
  return text;
}

}  // namespace

Result<std::unique_ptr<DeviceProcess>> DeviceProcess::start(
    const DeviceProcessOptions& options, std::function<void(DeviceSays)> says,
    std::function<void(std::string)> ended) {
  auto orders = platform::make_pipe();
  if (!orders) return orders.error();
  auto back = platform::make_pipe();
  if (!back) return back.error();
  platform::SpawnSpec spec{.program = options.program,
                           .argv = {options.program.filename().string()}};
  spec.argv.insert(spec.argv.end(), options.arguments.begin(),
                   options.arguments.end());
  for (const auto& [name, value] : options.environment)
    spec.env.push_back(name + "=" + value);
  spec.stdin_fd = orders->read_end.get();
  spec.stdout_fd = back->write_end.get();
  spec.stderr_fd = STDERR_FILENO;
  auto child = platform::spawn(spec);
  if (!child) return child.error();
  std::unique_ptr<DeviceProcess> process{
      new DeviceProcess{*std::move(child), std::move(orders->write_end),
                        std::move(back->read_end)}};
  // It fits into the pipe: nothing waits for the process here.
  const auto told =
      write_packet(process->orders_.get(), to_msgpack(options.setup));
  process->thread_ = std::thread{
      [self = process.get(), options, says = std::move(says),
       ended = std::move(ended)] { self->listen(options, says, ended); }};
  if (!told) return told.error();
  return process;
}

DeviceProcess::~DeviceProcess() {
  platform::send_signal(child_.identity, SIGKILL);
  if (thread_.joinable()) thread_.join();
}

Status DeviceProcess::send(const DeviceOrders& orders) {
  return write_packet(orders_.get(), to_msgpack(orders));
}

Status DeviceProcess::hear(const std::string& packet,
                           const std::function<void(DeviceSays)>& says) {
  auto said = from_msgpack<DeviceSays>(packet);
  if (!said) return said.error();
  if (said->protocol != kDeviceProtocol)
    return Error{Errc::unsupported,
                 "it speaks protocol " + std::to_string(said->protocol) +
                     ", not " + std::to_string(kDeviceProtocol)};
  if (said->step_ms > kMaxDeviceStepMs)
    return Error{Errc::timeout, "it hangs: one step takes " +
                                    std::to_string(said->step_ms / 1'000) +
                                    " s"};
  says(*std::move(said));
  return ok();
}

void DeviceProcess::listen(const DeviceProcessOptions& options,
                           const std::function<void(DeviceSays)>& says,
                           const std::function<void(std::string)>& ended) {
  Status going = ok();
  while (going) {
    const auto packet = read_packet(says_.get(), options.silence_ms);
    if (packet)
      going = hear(*packet, says);
    else
      going = packet.error();
  }
  if (going.error().code != Errc::unavailable)
    platform::send_signal(child_.identity, SIGKILL);
  ended(how_it_ended(platform::wait_child(child_), going.error()));
}

}  // namespace troupe::cluster
