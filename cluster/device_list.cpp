#include "cluster/device_list.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "codec/json.hpp"
#include "core/clock.hpp"
#include "platform/file.hpp"
#include "platform/spawn.hpp"

namespace troupe::cluster {
namespace {

constexpr std::size_t kMaxSaidBytes = 64 * 1024;
// Of the dynamic linker, when a library is not there.
constexpr int kCannotStart = 127;
// How long one that was killed may take to go; a driver may hold it for ever.
constexpr std::int64_t kKilledMs = 2'000;

struct Said {
  std::string out;
  std::string err;
};

/// Reads what is there; false: the other end is closed.
Result<bool> read_more(int fd, std::string& to) {
  std::array<char, 4096> bytes;
  const auto got = ::read(fd, bytes.data(), bytes.size());
  if (got < 0 && errno == EINTR) return true;
  if (got < 0) return platform::errno_error("read from a pipe", errno);
  to.append(bytes.data(), static_cast<std::size_t>(got));
  if (to.size() > kMaxSaidBytes)
    return Error{Errc::corrupt, "it says more than a list of devices"};
  return got > 0;
}

/// Until both ends are closed.
Status hear(int out_fd, int err_fd, std::int64_t limit_ms, Said& said) {
  const auto end = system_steady_clock().now() + limit_ms;
  std::array<pollfd, 2> open{{{.fd = out_fd, .events = POLLIN, .revents = 0},
                              {.fd = err_fd, .events = POLLIN, .revents = 0}}};
  const std::array<std::string*, 2> to{&said.out, &said.err};
  while (open[0].fd >= 0 || open[1].fd >= 0) {
    const auto left = end - system_steady_clock().now();
    if (left <= 0)
      return Error{Errc::timeout, "it did not answer within " +
                                      std::to_string(limit_ms) + " ms"};
    const int got =
        ::poll(open.data(), open.size(),
               static_cast<int>(std::min<std::int64_t>(left, 1 << 30)));
    if (got < 0 && errno != EINTR)
      return platform::errno_error("wait for a program", errno);
    if (got <= 0) continue;
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (open[i].fd < 0 || open[i].revents == 0) continue;
      const auto more = read_more(open[i].fd, *to[i]);
      if (!more) return more.error();
      if (!*more) open[i].fd = -1;
    }
  }
  return ok();
}

/// The last line, without the program's name before it.
std::string own_words(const Said& said, const std::string& name) {
  std::string_view text = said.err;
  while (text.ends_with('\n')) text.remove_suffix(1);
  text.remove_prefix(text.rfind('\n') + 1);  // npos + 1: all of it.
  if (text.starts_with(name + ": ")) text.remove_prefix(name.size() + 2);
  return std::string(text);
}

Error how_it_failed(const platform::ExitStatus& status, const Said& said,
                    const std::string& name) {
  const auto words = own_words(said, name);
  if (status.code == kNoDeviceExit) return {Errc::not_found, words};
  if (status.code == kCannotStart)
    return {Errc::unsupported, "it cannot start: " + words};
  auto why = status.code ? "it ended with " + std::to_string(*status.code)
                         : "it was ended by " +
                               platform::signal_name(status.signal.value_or(0));
  return {Errc::device_lost, why + (words.empty() ? "" : ": " + words)};
}

Result<std::vector<ListedDevice>> read_list(std::string_view text) {
  std::vector<ListedDevice> devices;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto json = parse_json(text.substr(0, end));
    auto device = json ? from_json<ListedDevice>(*json)
                       : Result<ListedDevice>{json.error()};
    if (!device)
      return Error{Errc::corrupt,
                   "it lists what is no device: " + device.error().message};
    devices.push_back(*std::move(device));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (devices.empty()) return Error{Errc::corrupt, "it lists no device"};
  return devices;
}

}  // namespace

Result<std::vector<ListedDevice>> list_devices(
    const DeviceListOptions& options) {
  auto out = platform::make_pipe();
  if (!out) return out.error();
  auto err = platform::make_pipe();
  if (!err) return err.error();
  const auto name = options.program.filename().string();
  platform::SpawnSpec spec{.program = options.program, .argv = {name, "list"}};
  for (const auto& [key, value] : options.environment)
    spec.env.push_back(key + "=" + value);
  spec.stdout_fd = out->write_end.get();
  spec.stderr_fd = err->write_end.get();
  const auto child = platform::spawn(spec);
  if (!child) return Error{Errc::unsupported, child.error().message};
  out->write_end = {};
  err->write_end = {};
  Said said;
  const auto heard =
      hear(out->read_end.get(), err->read_end.get(), options.limit_ms, said);
  if (!heard) {
    platform::send_signal(child->identity, SIGKILL);
    // Left to itself where even that does not end it.
    if (platform::wait_for_exit(child->pidfd.get(), kKilledMs))
      static_cast<void>(platform::wait_child(*child));
    return heard.error();
  }
  const auto status = platform::wait_child(*child);
  if (!status) return status.error();
  if (status->code != 0) return how_it_failed(*status, said, name);
  return read_list(said.out);
}

}  // namespace troupe::cluster
