#include "models/quantize.hpp"

#include <system_error>

#include "models/qwen2/packed_weights.hpp"
#include "models/qwen2/weights.hpp"

namespace troupe {
namespace {

namespace fs = std::filesystem;
using kernels::WeightFormat;

constexpr WeightFormat kPackedFormats[] = {
    WeightFormat::bf16, WeightFormat::int8, WeightFormat::int4};

struct Packable {
  Qwen2Config config;
  WeightFolder weights;
};
Result<Packable> open_packable(const fs::path& folder) {
  auto config = load_qwen2_config(folder);
  if (!config) return config.error();
  auto weights = WeightFolder::open(folder);
  if (!weights) return weights.error();
  return Packable{*std::move(config), *std::move(weights)};
}

Result<PackedFile> copy_for(const ModelSource& source, const Packable& model,
                            WeightFormat format) {
  return find_packed(source, model.config, model.weights, format);
}

PackedCopy copy_of(const PackedFile& file, WeightFormat format) {
  return {format, file.path(), file.bytes(), {}};
}

/// Errors: corrupt: a block holds other bytes than were written; io_error;
/// cancelled.
Status check_blocks(const PackedFile& file, const ModelProgress& progress) {
  std::vector<std::byte> block;
  std::uint64_t done = 0;
  for (std::uint64_t i = 0; i < file.blocks(); ++i) {
    block.resize(file.block_bytes(i));
    if (auto read = file.read(i, block); !read) return read;
    done += block.size();
    if (progress && !progress(done))
      return Error{Errc::cancelled, "it was interrupted"};
  }
  return ok();
}

/// That loads do not take.
std::vector<PackedCopy> unused_copies(const ModelSource& source,
                                      WeightFormat format, const Error& why) {
  for (const auto& path : packed_places(source, format)) {
    std::error_code gone;
    const auto bytes = fs::file_size(path, gone);
    if (!gone) return {{format, path, bytes, why.message}};
  }
  return {};
}

}  // namespace

std::vector<PackedCopy> packed_copies(const ModelSource& source) {
  std::vector<PackedCopy> copies;
  const auto model = open_packable(source.folder);
  if (!model) return copies;
  for (const auto format : kPackedFormats) {
    const auto file = copy_for(source, *model, format);
    if (file)
      copies.push_back(copy_of(*file, format));
    else if (file.error().code != Errc::not_found)
      for (auto& copy : unused_copies(source, format, file.error()))
        copies.push_back(std::move(copy));
  }
  return copies;
}

Result<PackedCopy> quantize_model(const ModelSource& source,
                                  WeightFormat format, const Context& ctx,
                                  const ModelProgress& progress) {
  const auto model = open_packable(source.folder);
  if (!model) return model.error();
  if (const auto there = copy_for(source, *model, format)) {
    const auto good = check_blocks(*there, progress);
    if (good) return copy_of(*there, format);
    // What a load would find damaged is packed anew.
    if (good.error().code != Errc::corrupt) return good.error();
  }
  const auto packed = pack_qwen2(source, format, ctx, progress);
  if (!packed) return packed.error();
  const auto file = copy_for(source, *model, format);
  if (!file) return file.error();
  return copy_of(*file, format);
}

Status check_packed(const ModelSource& source) {
  const auto model = open_packable(source.folder);
  if (!model) return model.error();
  for (const auto format : kPackedFormats) {
    const auto file = copy_for(source, *model, format);
    if (!file) continue;
    if (const auto good = check_blocks(*file, {}); !good)
      return Error{good.error().code, not_used(good.error(), source, format)};
  }
  return ok();
}

std::vector<fs::path> packed_beside(const ModelSource& source) {
  std::vector<fs::path> files;
  for (const auto format : kPackedFormats)
    for (const auto& path : packed_places(source, format))
      if (path.parent_path() == source.packed) files.push_back(path);
  return files;
}

}  // namespace troupe
