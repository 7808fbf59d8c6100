#include "apps/session.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "cluster/client_folder.hpp"
#include "kinds/kinds.hpp"

namespace troupe {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool speaks_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const auto value = variable(name);
    if (value.empty()) continue;
    return value.find("UTF-8") != value.npos ||
           value.find("utf8") != value.npos ||
           value.find("utf-8") != value.npos;
  }
  return false;
}

std::size_t columns_of(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return 80;
}

}  // namespace

Terminal system_terminal() {
  Terminal terminal{std::cout, std::cerr};
  terminal.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  const bool dumb = variable("TERM") == "dumb";
  terminal.draws_bars = ::isatty(STDERR_FILENO) == 1 && !dumb;
  terminal.colour =
      terminal.out_is_terminal && variable("NO_COLOR").empty() && !dumb;
  terminal.unicode = speaks_utf8();
  terminal.columns =
      columns_of(terminal.out_is_terminal ? STDOUT_FILENO : STDERR_FILENO);
  return terminal;
}

Session::Session(Terminal t) : terminal{t}, kinds{all_kinds()} {}

Result<DataFolder> Session::data() const {
  return find_data_folder(data_flag, data_environment());
}

Result<std::filesystem::path> Session::node_folder() const {
  const auto folder = data();
  if (!folder) return folder.error();
  if (const auto own = cluster::check_node_folder(folder->path); !own)
    return own.error();
  return folder->path;
}

Result<client::Client*> Session::client() {
  no_node_ = false;
  auto folder = data();
  if (!folder) return folder.error();
  if (client_ && connected_to_ == folder->path) return client_.get();
  client_.reset();
  client::Options options;
  options.data = folder->path;
  auto connected = client::Client::connect(options);
  if (!connected) {
    no_node_ = connected.error().code == Errc::unavailable;
    return connected.error();
  }
  client_ = *std::move(connected);
  connected_to_ = folder->path;
  return client_.get();
}

}  // namespace troupe
