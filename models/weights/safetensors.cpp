#include "models/weights/safetensors.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <tuple>

#include "models/weights/header_reader.hpp"

namespace troupe {
namespace {

Error fault(std::string_view file, const StoredTensor& tensor,
            const std::string& why) {
  return {Errc::corrupt, std::string(file) + ": tensor " +
                             quoted_name(tensor.name) + " " + why};
}

// "; the file holds 10 of 20 bytes": most such files are cut-off downloads.
std::string cut_short(std::uint64_t file_bytes, std::uint64_t wanted_bytes) {
  return "; the file holds " + std::to_string(file_bytes) + " of " +
         std::to_string(wanted_bytes) +
         " bytes and seems cut off: fetch it again";
}

Status check_length(const StoredTensor& tensor, std::string_view file) {
  std::uint64_t bytes = element_bytes(tensor.type);
  for (const auto dim : tensor.shape)
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(dim), &bytes))
      return fault(file, tensor, "has a shape too large to count");
  if (bytes != tensor.bytes())
    return fault(file, tensor,
                 "has " + std::to_string(tensor.bytes()) +
                     " bytes of data, but its shape and dtype need " +
                     std::to_string(bytes));
  return ok();
}

// REQUIRES: in the order of the data, which starts at `begin`.
Status check_cover(const std::vector<StoredTensor>& tensors,
                   std::uint64_t begin, std::uint64_t file_bytes,
                   std::string_view file) {
  std::uint64_t covered = begin;
  for (const auto& tensor : tensors) {
    if (tensor.begin < covered)
      return fault(file, tensor, "overlaps the one before it");
    if (tensor.begin > covered)
      return fault(file, tensor,
                   "leaves a gap of " + std::to_string(tensor.begin - covered) +
                       " bytes before it");
    if (tensor.end > file_bytes)
      return fault(
          file, tensor,
          "lies beyond the end" + cut_short(file_bytes, tensors.back().end));
    covered = tensor.end;
  }
  if (covered != file_bytes)
    return Error{Errc::corrupt, std::string(file) + ": " +
                                    std::to_string(file_bytes - covered) +
                                    " bytes at the end belong to no tensor"};
  return ok();
}

}  // namespace

std::int64_t StoredTensor::elements() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1},
                         std::multiplies<>());
}

Result<std::uint64_t> safetensors_header_bytes(std::string_view prefix,
                                               std::uint64_t file_bytes,
                                               std::string_view file) {
  const std::string name{file};
  if (file_bytes < kSafetensorsPrefixBytes ||
      prefix.size() < kSafetensorsPrefixBytes)
    return Error{Errc::corrupt,
                 name + ": is no safetensors file" +
                     cut_short(file_bytes, kSafetensorsPrefixBytes)};
  std::uint64_t bytes = 0;
  for (std::size_t i = kSafetensorsPrefixBytes; i-- > 0;)
    bytes = bytes << 8 | static_cast<unsigned char>(prefix[i]);
  if (bytes > kMaxSafetensorsHeaderBytes)
    return Error{Errc::too_large,
                 name +
                     ": is no safetensors file, or its header is too long: " +
                     std::to_string(bytes) + " bytes, allowed are " +
                     std::to_string(kMaxSafetensorsHeaderBytes)};
  if (bytes > file_bytes - kSafetensorsPrefixBytes)
    return Error{Errc::corrupt,
                 name + ": the header lies beyond the end" +
                     cut_short(file_bytes, kSafetensorsPrefixBytes + bytes)};
  return bytes;
}

Result<std::vector<StoredTensor>> parse_safetensors_header(
    std::string_view header, std::uint64_t file_bytes, std::string_view file) {
  auto tensors = read_safetensors_json(header, file);
  if (!tensors) return tensors.error();
  const std::uint64_t data_begin = kSafetensorsPrefixBytes + header.size();
  for (auto& tensor : *tensors) {
    if (auto good = check_length(tensor, file); !good) return good.error();
    if (__builtin_add_overflow(tensor.end, data_begin, &tensor.end))
      return fault(file, tensor, "lies beyond the end of any file");
    tensor.begin += data_begin;
  }
  std::ranges::sort(*tensors, [](const auto& a, const auto& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  if (auto good = check_cover(*tensors, data_begin, file_bytes, file); !good)
    return good.error();
  return tensors;
}

}  // namespace troupe
