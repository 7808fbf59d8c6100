// A node that `troupe run` starts for the time it needs, on the same data
// folder, when none is there. It ends with the process that started it, also
// when that is killed, or with the last other `run` that uses it (NodeUse).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/result.hpp"
#include "platform/spawn.hpp"

namespace troupe {

class OwnNode {
 public:
  /// Starts this very program as `troupe node`; does not wait until it serves.
  /// What it prints goes to DATA/own-node.log once it has the folder
  /// (take_log): one that finds it taken touches no other node's log. Errors:
  /// those of the file system and of starting a process.
  static Result<std::unique_ptr<OwnNode>> start(
      const std::filesystem::path& data);
  /// Asks it to stop and waits until it has, or until it turns out that
  /// another `run` needs it still.
  ~OwnNode();

  bool is_running() const;
  /// Why it ended, in its own words. REQUIRES: it is not running.
  struct End {
    Error error;          // locked: another process has the data folder.
    bool misuse = false;  // The configuration is wrong, or the folder is.
  };
  End end();

  /// Whether the node that serves that folder, or did last, was started this
  /// way: it leaves when the commands that use it do.
  static bool marked(const std::filesystem::path& data);
  /// Waits, after the last use of such a node that another command started,
  /// until it has ended or somebody else uses it.
  static void see_off(const std::filesystem::path& data);
  /// The node's part of it: this process is the folder's node, and whether it
  /// is an own one. REQUIRES: it holds the folder's lock. Errors: those of the
  /// file system.
  static Status mark(const std::filesystem::path& data, bool own);

  /// Likewise: an own node's standard output and error are DATA/own-node.log
  /// from now on, begun anew. REQUIRES and Errors: as above.
  static Status take_log(const std::filesystem::path& data);

 private:
  const platform::ExitStatus& wait();
  Result<std::string> last_words() const;

  OwnNode(std::filesystem::path data, platform::Child child, platform::Fd hold,
          platform::Fd said)
      : data_{std::move(data)},
        child_{std::move(child)},
        hold_{std::move(hold)},
        said_{std::move(said)} {}

  std::filesystem::path data_;
  platform::Child child_;
  std::optional<platform::ExitStatus> end_;
  platform::Fd hold_;  // Closing it tells the node to stop.
  platform::Fd said_;  // What it printed before it had the folder.
};

}  // namespace troupe
