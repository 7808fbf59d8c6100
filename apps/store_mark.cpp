#include "apps/store_mark.hpp"

#include "platform/file.hpp"

namespace troupe {
namespace fs = std::filesystem;
namespace {

bool is_gone(const fs::path& path) {
  std::error_code unseen;
  return !fs::exists(path, unseen) && !unseen;
}

}  // namespace

fs::path store_mark_file(const fs::path& data) {
  return data / "store.id";
}

bool has_store(const fs::path& data) {
  return !is_gone(data / "store" / "db");
}

Status check_store_mark(const fs::path& data) {
  const auto mark = store_mark_file(data);
  if (is_gone(mark)) return ok();
  const auto said = " is missing, and this folder had it (it bears the mark " +
                    mark.string() +
                    "); mount the volume that it lies on, or put back store "
                    "and artifacts of a backup; ";
  const auto store = data / "store" / "db";
  if (is_gone(store))
    return Error{Errc::corrupt,
                 store.string() + said +
                     "or begin with an empty history: no job of before is "
                     "known then; type: rm '" +
                     mark.string() + "'"};
  const auto artifacts = data / "artifacts" / "objects";
  if (is_gone(artifacts))
    return Error{Errc::corrupt, artifacts.string() + said +
                                    "or go on without the files of all jobs; "
                                    "type: rm '" +
                                    mark.string() + "'"};
  return ok();
}

Status mark_store(const fs::path& data, const std::string& store_id) {
  const auto mark = store_mark_file(data);
  const auto text = store_id + "\n";
  if (const auto there = platform::read_file(mark, 1'024);
      there && *there == text)
    return ok();
  return platform::write_file_atomically(mark, text);
}

}  // namespace troupe
