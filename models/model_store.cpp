#include "models/model_store.hpp"

#include <algorithm>
#include <set>
#include <system_error>
#include <vector>

#include "models/model_places.hpp"
#include "platform/file.hpp"
#include "platform/folder_lock.hpp"

namespace troupe {
namespace {

namespace fs = std::filesystem;

constexpr int kPatienceMs = 1'000;
constexpr std::size_t kMaxNameBytes = 128;

// What is not whole; no model's name begins so.
constexpr std::string_view kComing = ".new-";
constexpr std::string_view kGoing = ".gone-";

bool is_there(const fs::path& path) {
  std::error_code failed;
  return fs::exists(fs::symlink_status(path, failed));
}

Status failure(const std::string& what, const std::error_code& why) {
  return platform::errno_error(what, why.value());
}

/// Only who holds it comes and goes. What is not whole is left by the dead.
Result<platform::FolderLock> take_over(const fs::path& models) {
  auto lock = platform::FolderLock::acquire(models, ".lock", kPatienceMs);
  if (!lock && lock.error().code == Errc::locked)
    return Error{Errc::locked, "another troupe adds or removes a model in " +
                                   models.string() +
                                   "; try again when it is done"};
  if (!lock) return lock;
  std::vector<fs::path> left;
  std::error_code failed;
  for (fs::directory_iterator at{models, failed}, end; !failed && at != end;
       at.increment(failed)) {
    const auto name = at->path().filename().string();
    if (name.starts_with(kComing) || name.starts_with(kGoing))
      left.push_back(at->path());
  }
  for (const auto& path : left) fs::remove_all(path, failed);
  return lock;
}

Error exists_already(const fs::path& folder) {
  return {Errc::already_exists,
          "there is a model " + folder.string() +
              " already; give this one another name with --name, or first "
              "type: troupe models remove " +
              folder.filename().string()};
}

Status check_room(const fs::path& models, std::uint64_t bytes) {
  const auto space = platform::disk_space(models);
  if (!space) return space.error();
  if (space->free_bytes > bytes) return ok();
  return Error{Errc::disk_full,
               "the model has " + std::to_string(bytes) +
                   " bytes, and the "
                   "disk of " +
                   models.string() + " has room for " +
                   std::to_string(space->free_bytes) +
                   "; make room there, or link the model with --link"};
}

Status copy_files(const std::vector<ModelFile>& files, const fs::path& from,
                  const fs::path& to, std::vector<std::string>& hashes,
                  const ModelProgress& progress) {
  std::set<fs::path> folders{to};
  std::uint64_t done = 0;
  for (const auto& file : files) {
    const auto path = to / file.name;
    if (folders.insert(path.parent_path()).second)
      if (auto made = platform::make_dirs(path.parent_path()); !made)
        return made;
    auto hash =
        read_model_file(from / file.name, file.stamp, path, done, progress);
    if (!hash) return hash.error();
    hashes.push_back(*std::move(hash));
  }
  for (const auto& folder : folders)
    if (auto synced = platform::sync_dir(folder); !synced) return synced;
  return ok();
}

Result<fs::path> add_copy(const fs::path& models, const NewModel& model,
                          KnownHashes& known, const ModelProgress& progress) {
  const auto files = model_files(model.from);
  if (!files) return files.error();
  if (auto room = check_room(models, bytes_of(*files)); !room)
    return room.error();
  const auto coming = models / (std::string(kComing) + model.name);
  const auto folder = models / model.name;
  std::vector<std::string> hashes;
  auto done = platform::make_dirs(coming);
  if (done) done = copy_files(*files, model.from, coming, hashes, progress);
  if (done) done = platform::rename_durably(coming, folder);
  if (!done) {
    std::error_code ignored;
    fs::remove_all(coming, ignored);
    return done.error();
  }
  const auto copied = model_files(folder);
  if (copied && copied->size() == hashes.size())
    for (std::size_t i = 0; i < hashes.size(); ++i)
      known.keep((*copied)[i].stamp, folder / (*copied)[i].name,
                 std::move(hashes[i]));
  return folder;
}

Result<fs::path> add_link(const fs::path& models, const NewModel& model,
                          KnownHashes& known, const ModelProgress& progress) {
  auto hash = model_hash(model.from, known, progress);
  if (!hash) return hash.error();
  const auto link = models / model.name;
  std::error_code failed;
  fs::create_directory_symlink(model.from, link, failed);
  if (failed) return failure("link " + link.string(), failed).error();
  if (auto synced = platform::sync_dir(models); !synced) return synced.error();
  return link;
}

}  // namespace

fs::path hashes_file(const fs::path& models) {
  return models / ".hashes.json";
}

std::string model_name_fault(const std::string& name) {
  const bool plain = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
  if (is_model_name(name) && plain && name.size() <= kMaxNameBytes) return {};
  return "'" + name.substr(0, 256) +
         "' cannot be a model's name: it takes letters, digits, '-', '_' and "
         "'.' (not first), at most " +
         std::to_string(kMaxNameBytes) + " of them";
}

Result<fs::path> add_model(const fs::path& models, const NewModel& model,
                           KnownHashes& known, const ModelProgress& progress) {
  if (auto fault = model_name_fault(model.name); !fault.empty())
    return Error{Errc::invalid_argument, fault};
  if (auto made = platform::make_dirs(models); !made) return made.error();
  const auto lock = take_over(models);
  if (!lock) return lock.error();
  if (is_there(models / model.name)) return exists_already(models / model.name);
  return model.link ? add_link(models, model, known, progress)
                    : add_copy(models, model, known, progress);
}

Status remove_model(const fs::path& models, const std::string& name) {
  const auto folder = models / name;
  if (!is_model_name(name) || !is_there(folder))
    return Error{Errc::not_found,
                 "there is no model '" + name + "' in " + models.string()};
  const auto lock = take_over(models);
  if (!lock) return lock.error();
  std::error_code failed;
  if (fs::is_symlink(folder, failed)) {
    if (!fs::remove(folder, failed) || failed)
      return failure("remove " + folder.string(), failed);
    return platform::sync_dir(models);
  }
  // First the name: a model that is half there has none.
  const auto going = models / (std::string(kGoing) + name);
  if (auto renamed = platform::rename_durably(folder, going); !renamed)
    return renamed;
  fs::remove_all(going, failed);
  if (failed) return failure("remove " + going.string(), failed);
  return ok();
}

}  // namespace troupe
