// What one run of the program shares between its commands: the terminal, the
// data folder and the connection to the node. The console keeps one for many
// command lines.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>

#include "client/client.hpp"
#include "config/data_folder.hpp"
#include "core/kind.hpp"

namespace troupe {

struct Terminal {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool draws_bars = false;  // `err`: a terminal that can write a line anew.
  bool colour = false;      // Of `out`; never where NO_COLOR is set.
  bool unicode = true;      // By the locale.
  std::size_t columns = 80;
};

/// The process's own, asked from the operating system.
Terminal system_terminal();

class Session {
 public:
  explicit Session(Terminal terminal);

  Terminal terminal;
  std::string data_flag;  // --data; empty: not given.
  Kinds kinds;
  bool in_console = false;
  bool json = false;  // Of a console: every line is answered in JSON.

  Result<DataFolder> data() const;
  /// Its path, where a node may run on it. Errors: invalid_argument, of a
  /// client's folder too.
  Result<std::filesystem::path> node_folder() const;

  /// Connects on first use and keeps the connection. Errors: those of
  /// Client::connect, and where nothing answers a hint how to start a node.
  Result<client::Client*> client();
  /// Whether the last client() failed because no node answers.
  bool no_node() const { return no_node_; }
  void disconnect() { client_.reset(); }

 private:
  std::unique_ptr<client::Client> client_;
  std::filesystem::path connected_to_;
  bool no_node_ = false;
};

}  // namespace troupe
