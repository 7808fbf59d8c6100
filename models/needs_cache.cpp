#include "models/needs_cache.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

// Weights in several files are named by an index; a file that takes another's
// place is seen in the folder's own stamp.
NeedsCache::Stamps NeedsCache::stamps_of(const std::filesystem::path& folder) {
  return {stamp_of(folder), stamp_of(folder / "config.json"),
          stamp_of(folder / "model.safetensors"),
          stamp_of(folder / "model.safetensors.index.json")};
}

Result<ModelNeeds> NeedsCache::needs(const std::string& name,
                                     const Request& request,
                                     const Device& device) {
  const auto* family = family_of(request.kind);
  const auto folder = find_model(places_, name);
  if (!family || !folder) return ask_(places_, name, request, device);
  const auto setting = family->setting_of(request);
  // Before it is asked: what is written from now on is noticed.
  const auto stamps = stamps_of(*folder);
  const auto found = std::ranges::find_if(entries_, [&](const Entry& e) {
    return e.name == name && e.kind == request.kind && e.setting == setting &&
           e.device.backend == device.backend && e.device.sm == device.sm;
  });
  if (found != entries_.end()) {
    std::rotate(entries_.begin(), found, found + 1);
    if (entries_.front().stamps == stamps) return entries_.front().needs;
    entries_.erase(entries_.begin());
  }
  auto needs = ask_(places_, name, request, device);
  if (!needs) return needs;
  if (entries_.size() == kMaxEntries) entries_.pop_back();
  entries_.insert(entries_.begin(),
                  Entry{request.kind, name, setting, device, stamps, *needs});
  return needs;
}

Result<RequestLimits> NeedsCache::limits(const std::string& name,
                                         const std::string& kind) {
  const auto folder = find_model(places_, name);
  if (!folder) return folder.error();
  // Before it is looked at, as above.
  auto files = model_files(*folder);
  if (!files) return look_(*folder, kind);
  const auto found = std::ranges::find_if(known_, [&](const Known& known) {
    return known.folder == *folder && known.kind == kind;
  });
  if (found != known_.end()) {
    std::rotate(known_.begin(), found, found + 1);
    if (known_.front().files == *files) return known_.front().limits;
    known_.erase(known_.begin());
  }
  auto limits = look_(*folder, kind);
  if (known_.size() == kMaxEntries) known_.pop_back();
  known_.insert(known_.begin(),
                Known{kind, *folder, *std::move(files), limits});
  return limits;
}

}  // namespace troupe
