// troupe doctor: looks at everything a node needs on this machine and says
// what is wrong and what to do about it. Changes nothing; where no node runs, a
// small file is written to the data folder and removed again.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "apps/beside_us.hpp"
#include "apps/commands/commands.hpp"
#include "apps/gpus.hpp"
#include "apps/render/amounts.hpp"
#include "apps/render/table.hpp"
#include "apps/store_mark.hpp"
#include "cluster/client_folder.hpp"
#include "cluster/endpoint.hpp"
#include "cluster/pki.hpp"
#include "config/load.hpp"
#include "core/build_info.hpp"
#include "persistence/store_check.hpp"
#include "platform/file.hpp"
#include "platform/memory.hpp"
#include "platform/trial_write.hpp"

namespace troupe::commands {
namespace {

namespace fs = std::filesystem;

enum class Verdict { good, note, bad };

struct Finding {
  std::string what;
  Verdict verdict = Verdict::good;
  std::string text;
};

const char* name(Verdict verdict) {
  switch (verdict) {
    case Verdict::good:
      return "ok";
    case Verdict::note:
      return "note";
    case Verdict::bad:
      return "bad";
  }
  return "bad";
}

class Examination {
 public:
  Examination(Session& session, fs::path data)
      : session_{session}, data_{std::move(data)} {}

  std::vector<Finding> run() {
    config();
    programs();
    gpus();
    ask();
    if (folder()) look_into_folder();
    node();
    return std::move(findings_);
  }

 private:
  void add(std::string what, Verdict verdict, std::string text) {
    findings_.push_back({std::move(what), verdict, std::move(text)});
  }

  void look_into_folder() {
    identity();
    // Nothing is written to a client's folder, which holds no store.
    if (cluster::is_client_folder(data_)) return;
    disk(data_);
    locks();
    store();
  }

  /// A start makes those that are not there, but nothing else stands aside.
  void locks() {
    for (const auto* name : {"lock", "store/lock", "own-node.users"}) {
      const auto path = data_ / name;
      std::error_code ignored;
      const auto there = fs::status(path, ignored);
      if (!fs::exists(there) || fs::is_regular_file(there)) continue;
      add("lock", Verdict::bad,
          path.string() +
              (fs::is_directory(there) ? " is a folder" : " is no file") +
              ", where a node keeps a lock file: move it away");
    }
  }

  void config() {
    auto loaded = load_config(data_);
    if (!loaded)
      return add("configuration", Verdict::bad, loaded.error().message);
    config_ = loaded->config;
    add("configuration", Verdict::good,
        loaded->file_exists ? loaded->file.string() : "defaults");
  }

  void programs() {
    program("guard", beside_us("troupe-guard"), "process.run cannot work");
    program("device program", beside_us("troupe-device"),
            "no model can be run");
    auto memory = platform::memory_capacity_bytes();
    if (memory)
      add("memory", Verdict::good, render::bytes(*memory));
    else
      add("memory", Verdict::bad, memory.error().message);
  }

  /// As a node that starts now would find them.
  void gpus() {
    const auto found = find_gpus(config_.node, GpuSearch::here());
    for (const auto& gpu : found.gpus)
      add("GPU " + std::to_string(gpu.ordinal), Verdict::good,
          gpu.info.klass + ": " + render::bytes(gpu.info.memory_bytes) +
              " for jobs, as the device " + gpu.info.name);
    if (!found.why_not.empty())
      add("GPUs", found.expected ? Verdict::note : Verdict::bad, found.why_not);
  }

  void program(std::string what, const fs::path& path,
               const std::string& without) {
    if (::access(path.c_str(), X_OK) == 0)
      add(std::move(what), Verdict::good, path.string());
    else
      add(std::move(what), Verdict::bad,
          path.string() + " is missing: " + without +
              "; install it beside troupe");
  }

  /// True: there is one to look into.
  bool folder() {
    struct stat about {};
    if (::stat(data_.c_str(), &about) != 0) {
      add("data folder", Verdict::note,
          data_.string() + " does not exist; the first start makes it");
      disk(parent_to_be());
      return false;
    }
    if (!S_ISDIR(about.st_mode)) {
      add("data folder", Verdict::bad, data_.string() + " is no folder");
      return false;
    }
    if (about.st_uid != ::geteuid())
      add("data folder", Verdict::bad,
          data_.string() + " belongs to another user");
    else if (const auto held = platform::check_private(data_, "folder"); !held)
      add("data folder", Verdict::bad, held.error().message);
    else
      add("data folder", Verdict::good, data_.string());
    return true;
  }

  /// Where the first start makes the folder.
  fs::path parent_to_be() const {
    std::error_code ignored;
    auto parent = fs::absolute(data_, ignored);
    while (parent.has_relative_path() && !fs::exists(parent, ignored))
      parent = parent.parent_path();
    return parent;
  }

  void disk(const fs::path& where) {
    auto space = platform::disk_space(where);
    if (!space) return add("disk", Verdict::bad, space.error().message);
    if (space->read_only)
      return add("disk", Verdict::bad,
                 "the file system is read-only: no job can be accepted");
    const auto low = static_cast<std::uint64_t>(config_.store.low_water_bytes);
    // A node that runs says itself what it accepts: it may have been started
    // with other settings.
    if (!status_ && space->free_bytes < low)
      return add("disk", Verdict::bad,
                 render::bytes(space->free_bytes) +
                     " are free, less than "
                     "store.low_water_bytes (" +
                     render::bytes(low) + "): submits are refused");
    // What it says of itself may be wrong: after an error some file systems
    // take nothing more and do not call themselves read-only.
    // Beside the folder nobody would sweep what a killed doctor leaves.
    if (no_node_ && where == data_)
      if (auto wrote = platform::try_to_write(where); !wrote)
        return add("disk", Verdict::bad,
                   "no file can be written, so no node starts: " +
                       wrote.error().message);
    add("disk", Verdict::good, render::bytes(space->free_bytes) + " free");
  }

  void identity() {
    const auto now = system_wall_clock().now();
    if (cluster::is_client_folder(data_)) {
      auto files = cluster::check_admin_identity(data_, now);
      return add("certificates", files ? Verdict::good : Verdict::bad,
                 files ? "valid, of a client" : files.error().message);
    }
    if (!cluster::has_identity(data_))
      return add("certificates", Verdict::note, "made at the first start");
    auto node = cluster::check_node_identity(data_, now);
    auto admin = cluster::check_admin_identity(data_, now);
    auto authority = cluster::check_authority_identity(data_, now);
    for (const auto* checked : {&node, &admin, &authority})
      if (!*checked)
        return add("certificates", Verdict::bad, checked->error().message);
    add("certificates", Verdict::good, "valid");
  }

  /// One that a node has open is known by what the node could not read of it.
  void store() {
    const auto folder = data_ / "store";
    if (!no_node_) {
      if (const auto damage = damage_found(folder); !damage.empty())
        add("store", Verdict::bad, damage);
      return;
    }
    if (const auto there = check_store_mark(data_); !there)
      return add("store", Verdict::bad, there.error().message);
    const auto checked = check_store(folder);
    if (!checked && checked.error().code == Errc::locked)
      add("store", Verdict::note, checked.error().message + ": not looked at");
    else if (!checked)
      add("store", Verdict::bad, checked.error().message);
    else if (!has_store(data_))
      add("store", Verdict::note,
          "there is none: the next start begins an empty history");
    else if (checked->index_damage.empty())
      add("store", Verdict::good, folder.string());
    else
      add("store", Verdict::note,
          "the index is damaged; nothing is lost: a start that meets the "
          "damage makes it anew from the log (" +
              checked->index_damage + ")");
  }

  void ask() {
    auto client = session_.client();
    no_node_ = !client && session_.no_node();
    status_ = client ? (*client)->status() : client.error();
  }

  void node() {
    if (!status_)
      return add("node", no_node_ ? Verdict::note : Verdict::bad,
                 status_.error().message);
    const auto* status = &*status_;
    add("node", Verdict::good,
        status->node + ", epoch " + std::to_string(status->epoch) + ", log " +
            std::to_string(status->last_index));
    if (status->version.find(build_version()) == std::string::npos)
      add("version", Verdict::note,
          "the node is " + status->version + ", this program " +
              std::string(build_version()));
    const bool ordered =
        status->queue.draining || !status->queue.draining_kinds.empty();
    add("accepting",
        status->accepting == "yes" ? Verdict::good
        : ordered                  ? Verdict::note
                                   : Verdict::bad,
        status->accepting);
    const auto& down = status->queue.down_devices;
    for (const auto& ledger : status->ledgers) {
      const bool is_down = std::ranges::count(down, ledger.device) > 0;
      add("device " + ledger.device, is_down ? Verdict::note : Verdict::good,
          (is_down ? "is down: nothing runs there; " : "") +
              render::bytes(ledger.reserved_bytes) + " of " +
              render::bytes(ledger.total_bytes) + " reserved");
    }
  }

  Session& session_;
  const fs::path data_;
  Config config_;
  Result<NodeStatus> status_{Error{}};  // Of the node that runs, once asked.
  bool no_node_ = false;
  std::vector<Finding> findings_;
};

ExitCode doctor(Invocation& call) {
  auto data = call.session.data();
  if (!data) return call.misused(data.error().message);
  const auto findings = Examination{call.session, data->path}.run();
  auto code = ExitCode::ok;
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& finding : findings) {
    if (finding.verdict == Verdict::bad) code = ExitCode::broken;
    list.push_back({{"what", finding.what},
                    {"verdict", name(finding.verdict)},
                    {"text", finding.text}});
    rows.push_back(
        {name(finding.verdict), finding.what, render::printable(finding.text)});
  }
  if (call.json)
    call.print({{"ok", code == ExitCode::ok}, {"findings", list}});
  else
    call.out() << render::table(rows);
  return code;
}

}  // namespace

void add_doctor(CLI::App& root, Invocation& call) {
  add_command(root, call, "doctor",
              "Look at all a node needs and say what is wrong",
              [&call] { return doctor(call); });
}

}  // namespace troupe::commands
