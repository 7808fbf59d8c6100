#include "models/qwen2/packed_weights.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "core/amounts.hpp"
#include "models/qwen2/weight_loader.hpp"
#include "platform/leftovers.hpp"

namespace troupe {
namespace {

namespace fs = std::filesystem;
using kernels::WeightFormat;

// Read and written at once; memory is given back as far.
constexpr std::uint64_t kPackedAtOnce = 64u << 20;
// Of a process that was killed; a living one locks its own, and where there are
// no locks writes every few seconds.
constexpr std::int64_t kLeftoverAgeMs = 60'000;

// Everything that decides where a byte lies.
std::string what_of(const Qwen2Config& c, WeightFormat format) {
  std::string text = "qwen2, packed as " + std::string(to_string(format)) +
                     " in panels, version " +
                     std::to_string(kernels::kPackedVersion);
  const std::pair<const char*, std::int64_t> shapes[] = {
      {"vocabulary_rows", c.vocabulary_rows},
      {"hidden", c.hidden},
      {"intermediate", c.intermediate},
      {"layers", c.layers},
      {"heads", c.heads},
      {"kv_heads", c.kv_heads},
      {"head_dim", c.head_dim},
      {"tied_head", c.tied_head ? 1 : 0}};
  for (const auto& [name, value] : shapes)
    text += ", " + std::string(name) + " " + std::to_string(value);
  return text;
}

// What a killed process left, and what belongs to folders that are gone.
void sweep(const fs::path& packed) {
  platform::remove_leftovers(packed, kLeftoverAgeMs);
  std::vector<fs::path> orphans;
  std::error_code failed;
  for (fs::directory_iterator at{packed, failed}, end; !failed && at != end;
       at.increment(failed)) {
    const auto file = PackedFile::open(at->path());
    std::error_code unknown;
    if (file && !fs::exists(file->tag().folder, unknown) && !unknown)
      orphans.push_back(at->path());
  }
  for (const auto& path : orphans) fs::remove(path, failed);
}

Status check_disk(const fs::path& dir, std::uint64_t bytes) {
  const auto space = platform::disk_space(dir);
  if (!space) return space.error();
  if (space->free_bytes > bytes) return ok();
  return Error{Errc::disk_full, "the packed weights have " + bytes_text(bytes) +
                                    ", and the disk of " + dir.string() +
                                    " has room for " +
                                    bytes_text(space->free_bytes)};
}

Error not_written(const Error& why, const fs::path& path) {
  return {why.code, path.string() + " was not written, and nothing is left: " +
                        why.message};
}

// Created in the first place that can be written to. Until it is whole it lies
// beside the models: in one, it would be one of the model's files.
struct Begun {
  fs::path path;
  PackedFileWriter file;
};
Result<Begun> begin_file(const ModelSource& source, WeightFormat format,
                         const PackedTag& tag, std::uint64_t bytes) {
  auto refused = Error{Errc::denied, "there is no folder for packed weights"};
  if (auto made = platform::make_dirs(source.packed); !made)
    return made.error();
  sweep(source.packed);
  for (const auto& path : packed_homes(source, format)) {
    if (auto room = check_disk(path.parent_path(), bytes); !room)
      return room.error();
    auto file = PackedFileWriter::create(path, source.packed, tag);
    if (file) return Begun{path, std::move(*file)};
    refused = file.error();
    if (refused.code != Errc::denied && refused.code != Errc::read_only)
      return refused;
  }
  return refused;
}

}  // namespace

Result<PackedTag> qwen2_packed_tag(const Qwen2Config& config,
                                   const WeightFolder& folder,
                                   WeightFormat format) {
  PackedTag tag{.what = what_of(config, format),
                .folder = folder.path().string(),
                .sources = {}};
  std::set<fs::path> files;
  for (const auto& [name, located] : folder.tensors())
    files.insert(located.file->path());
  for (const auto& path : files) {
    auto stamp = stamp_of(path);
    if (!stamp)
      return Error{Errc::io_error, path.string() + " is there no more"};
    stamp->device = 0;
    tag.sources.push_back({path.filename().string(), *stamp});
  }
  return tag;
}

std::string not_used(const Error& why, const ModelSource& source,
                     WeightFormat format) {
  return why.message +
         "; the weights are packed anew at each load; to keep them, type: " +
         quantize_command(source, format);
}

Result<PackedFile> find_packed(const ModelSource& source,
                               const Qwen2Config& config,
                               const WeightFolder& folder, WeightFormat format,
                               const Device& device) {
  std::optional<Error> refused;
  const Error none{Errc::not_found, "there are no packed weights"};
  if (kernels::layout_on(device, format) != kernels::WeightLayout::panels)
    return none;
  const auto tag = qwen2_packed_tag(config, folder, format);
  if (!tag) return tag.error();
  const auto bytes = qwen2_weight_bytes(config, format, device);
  for (const auto& path : packed_places(source, format)) {
    auto file = PackedFile::open(path);
    if (file && file->tag() == *tag && file->bytes() == bytes) return file;
    if (!file && file.error().code == Errc::not_found) continue;
    const auto why =
        file ? Error{Errc::stale,
                     path.string() +
                         ": was packed from other weights than are there now"}
             : file.error();
    if (!refused) refused = Error{why.code, not_used(why, source, format)};
  }
  return refused.value_or(none);
}

Result<fs::path> pack_qwen2(const ModelSource& source, WeightFormat format,
                            const Context& ctx, const ModelProgress& progress) {
  if (format == WeightFormat::f32)
    return Error{Errc::invalid_argument,
                 "weights of f32 are loaded as they are stored"};
  auto loader = Qwen2WeightLoader::open_to_pack(source, format, ctx);
  if (!loader) return loader.error();
  const auto tag = qwen2_packed_tag(loader->config(), loader->folder(), format);
  if (!tag) return tag.error();
  auto begun = begin_file(source, format, *tag, loader->bytes());
  if (!begun) return begun.error();
  std::uint64_t written = 0;
  for (;;) {
    const auto step = loader->step(kPackedAtOnce);
    if (!step) return step.error();
    auto whole = loader->whole_bytes();
    if (whole < loader->bytes()) whole -= whole % kPackedBlockBytes;
    if (auto wrote = begun->file.write(
            {loader->memory().data() + written, whole - written});
        !wrote)
      return not_written(wrote.error(), begun->path);
    loader->memory().give_back(written, whole);
    written = whole;
    if (progress && !progress(step->loaded_bytes))
      return Error{Errc::cancelled, "it was interrupted"};
    if (step->done()) break;
  }
  const auto after =
      qwen2_packed_tag(loader->config(), loader->folder(), format);
  if (!after || *after != *tag)
    return Error{Errc::io_error, source.folder.string() +
                                     " changed while it was read; try again "
                                     "when nobody writes to it"};
  if (auto kept = begun->file.commit(); !kept)
    return not_written(kept.error(), begun->path);
  return begun->path;
}

}  // namespace troupe
