#include "models/weights/weight_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/numbers.hpp"
#include "models/weights/header_reader.hpp"
#include "platform/file.hpp"

namespace troupe {
namespace {

constexpr std::size_t kWidenElements = 1 << 16;

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
  auto fd = platform::open_read(path);
  if (!fd) return fd.error();
  auto size = platform::file_size(fd->get());
  if (!size) return size.error();
  auto prefix = platform::read_at(fd->get(), 0, kSafetensorsPrefixBytes);
  if (!prefix) return prefix.error();
  auto length = safetensors_header_bytes(*prefix, *size, path.string());
  if (!length && looks_like_pickle(*prefix)) return pickle_error(path);
  if (!length) return length.error();
  auto header = platform::read_at(fd->get(), kSafetensorsPrefixBytes, *length);
  if (!header) return header.error();
  if (header->size() != *length)
    return Error{Errc::corrupt,
                 path.string() + ": became shorter while it was read"};
  auto tensors = parse_safetensors_header(*header, *size, path.string());
  if (!tensors) return tensors.error();
  return WeightFile{path, std::move(*fd), std::move(*tensors)};
}

Status WeightFile::read(const StoredTensor& tensor, std::uint64_t offset,
                        std::span<std::byte> out) const {
  TROUPE_ASSERT(offset <= tensor.bytes() &&
                out.size() <= tensor.bytes() - offset);
  std::uint64_t at = tensor.begin + offset;
  while (!out.empty()) {
    const auto block =
        out.first(std::min<std::uint64_t>(kReadBlockBytes, out.size()));
    auto have = platform::read_into(fd_.get(), at, block);
    if (!have)
      return Error{have.error().code, path_.string() + ": tensor " +
                                          quoted_name(tensor.name) + ": " +
                                          have.error().message};
    if (*have != block.size())
      return Error{Errc::corrupt,
                   path_.string() + ": tensor " + quoted_name(tensor.name) +
                       ": the file became shorter since it was opened"};
    at += block.size();
    out = out.subspan(block.size());
  }
  return ok();
}

void WeightFile::read_ahead(const StoredTensor& tensor, std::uint64_t offset,
                            std::uint64_t bytes) const {
  platform::read_ahead(fd_.get(), tensor.begin + offset, bytes);
}

Status WeightFile::read_f32(const StoredTensor& tensor, std::int64_t first,
                            std::span<float> out) const {
  if (tensor.type == StoredType::f32)
    return read(tensor, static_cast<std::uint64_t>(first) * sizeof(float),
                std::as_writable_bytes(out));
  if (tensor.type != StoredType::bf16 && tensor.type != StoredType::f16)
    return Error{Errc::unsupported, path_.string() + ": tensor " +
                                        quoted_name(tensor.name) + " is " +
                                        std::string(to_string(tensor.type)) +
                                        "; weights may be BF16, F16 or F32"};
  std::vector<std::uint16_t> block(std::min(kWidenElements, out.size()));
  auto offset = static_cast<std::uint64_t>(first) * sizeof(std::uint16_t);
  while (!out.empty()) {
    const auto half =
        std::span{block}.first(std::min(block.size(), out.size()));
    auto good = read(tensor, offset, std::as_writable_bytes(half));
    if (!good) return good;
    if (tensor.type == StoredType::bf16)
      bf16_to_f32(half, out.first(half.size()));
    else
      f16_to_f32(half, out.first(half.size()));
    offset += half.size_bytes();
    out = out.subspan(half.size());
  }
  return ok();
}

}  // namespace troupe
