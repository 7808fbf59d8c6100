#include "models/weights/weight_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/numbers.hpp"
#include "models/weights/header_reader.hpp"
#include "platform/file.hpp"
#include "platform/regular_file.hpp"

namespace troupe {
namespace {

// Widened at once: as much as a disk needs to be at its full rate.
constexpr std::size_t kWidenElements = 1 << 20;

// What a pickle begins with, or a zip of one: files are renamed. Only asked
// of what is no safetensors file, since a header's length may look so too.
bool looks_like_pickle(std::string_view prefix) {
  return (prefix.starts_with('\x80') && prefix.size() > 1 && prefix[1] >= 2 &&
          prefix[1] <= 5) ||
         prefix.starts_with("PK\x03\x04");
}

Error pickle_error(const std::filesystem::path& path) {
  return {Errc::unsupported,
          path.string() +
              ": is a pickle file, which can run any code when it is read; "
              "troupe reads safetensors only: take the model's .safetensors "
              "files, or convert it with 'save_pretrained' of transformers"};
}

}  // namespace

Status refuse_pickle(const std::filesystem::path& path) {
  static constexpr std::array<std::string_view, 6> kEndings{
      ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"};
  if (std::ranges::count(kEndings, path.extension().string()) > 0)
    return pickle_error(path);
  return ok();
}

Result<WeightFile> WeightFile::open(const std::filesystem::path& path) {
  if (auto good = refuse_pickle(path); !good) return good.error();
  auto fd = platform::open_regular(path);
  if (!fd) return fd.error();
  // Before the header's reads bring its neighbours into the cache.
  auto file = platform::BulkReader::open(path, std::move(*fd));
  if (!file) return file.error();
  auto size = platform::file_size(file->fd());
  if (!size) return size.error();
  auto prefix = platform::read_at(file->fd(), 0, kSafetensorsPrefixBytes);
  if (!prefix) return prefix.error();
  auto length = safetensors_header_bytes(*prefix, *size, path.string());
  if (!length && looks_like_pickle(*prefix)) return pickle_error(path);
  if (!length) return length.error();
  auto header = platform::read_at(file->fd(), kSafetensorsPrefixBytes, *length);
  if (!header) return header.error();
  if (header->size() != *length)
    return Error{Errc::corrupt,
                 path.string() + ": became shorter while it was read"};
  auto tensors = parse_safetensors_header(*header, *size, path.string());
  if (!tensors) return tensors.error();
  return WeightFile{path, std::move(*file), std::move(*tensors)};
}

Error WeightFile::read_error(const StoredTensor& tensor,
                             const Error& why) const {
  return {why.code, path_.string() + ": tensor " + quoted_name(tensor.name) +
                        ": " + why.message};
}

Error WeightFile::cut_short(const StoredTensor& tensor) const {
  return {Errc::corrupt, path_.string() + ": tensor " +
                             quoted_name(tensor.name) +
                             ": the file became shorter since it was opened"};
}

Status WeightFile::read(const StoredTensor& tensor, std::uint64_t offset,
                        std::span<std::byte> out) const {
  TROUPE_ASSERT(offset <= tensor.bytes() &&
                out.size() <= tensor.bytes() - offset);
  std::uint64_t at = tensor.begin + offset;
  while (!out.empty()) {
    const auto block =
        out.first(std::min<std::uint64_t>(kReadBlockBytes, out.size()));
    const auto have = file_.read(at, block);
    if (!have) return read_error(tensor, have.error());
    if (*have != block.size()) return cut_short(tensor);
    at += block.size();
    out = out.subspan(block.size());
  }
  return ok();
}

Result<std::span<const std::byte>> WeightFile::view(
    const StoredTensor& tensor, std::uint64_t offset, std::size_t bytes,
    platform::AlignedBytes& aside) const {
  TROUPE_ASSERT(offset <= tensor.bytes() && bytes <= tensor.bytes() - offset);
  const auto at = tensor.begin + offset;
  if (at % 2 != 0) {  // From there the elements would lie across.
    const std::span<std::byte> all{aside.at_least(bytes), bytes};
    if (auto good = read(tensor, offset, all); !good) return good.error();
    return std::span<const std::byte>{all};
  }
  const auto have = file_.view(at, bytes, aside);
  if (!have) return read_error(tensor, have.error());
  if (have->size() != bytes) return cut_short(tensor);
  return *have;
}

void WeightFile::read_ahead(const StoredTensor& tensor, std::uint64_t offset,
                            std::uint64_t bytes) const {
  file_.read_ahead(tensor.begin + offset, bytes);
}

Status WeightFile::read_f32(const StoredTensor& tensor, std::int64_t first,
                            std::span<float> out,
                            platform::AlignedBytes& aside) const {
  const auto width = element_bytes(tensor.type);
  if (tensor.type != StoredType::f32 && tensor.type != StoredType::bf16 &&
      tensor.type != StoredType::f16)
    return Error{Errc::unsupported, path_.string() + ": tensor " +
                                        quoted_name(tensor.name) + " is " +
                                        std::string(to_string(tensor.type)) +
                                        "; weights may be BF16, F16 or F32"};
  auto offset = static_cast<std::uint64_t>(first) * width;
  while (!out.empty()) {
    const auto part = out.first(std::min(kWidenElements, out.size()));
    const auto bytes = view(tensor, offset, part.size() * width, aside);
    if (!bytes) return bytes.error();
    const std::span halves{
        reinterpret_cast<const std::uint16_t*>(bytes->data()),
        bytes->size() / sizeof(std::uint16_t)};
    if (tensor.type == StoredType::f32)
      std::memcpy(part.data(), bytes->data(), part.size_bytes());
    else if (tensor.type == StoredType::bf16)
      bf16_to_f32(halves, part);
    else
      f16_to_f32(halves, part);
    offset += part.size() * width;
    out = out.subspan(part.size());
  }
  return ok();
}

}  // namespace troupe
