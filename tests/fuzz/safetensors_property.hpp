// What must hold of the safetensors reader for any bytes at all: it refuses
// them with a reason, or what it promises of the tensors is true.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "models/weights/safetensors.hpp"

namespace troupe {

/// Reads `file` as a whole safetensors file; whether it was accepted. Aborts
/// where the reader breaks its word.
inline bool read_any_safetensors(std::string_view file) {
  const auto refused = [](const Error& error) {
    TROUPE_ASSERT(error.message.starts_with("any.safetensors: "));
    TROUPE_ASSERT(error.code == Errc::corrupt ||
                  error.code == Errc::unsupported ||
                  error.code == Errc::too_large);
    return false;
  };
  const auto header_bytes = safetensors_header_bytes(
      file.substr(0, kSafetensorsPrefixBytes), file.size(), "any.safetensors");
  if (!header_bytes) return refused(header_bytes.error());
  const auto header = file.substr(kSafetensorsPrefixBytes, *header_bytes);
  TROUPE_ASSERT(header.size() == *header_bytes);
  const auto tensors =
      parse_safetensors_header(header, file.size(), "any.safetensors");
  if (!tensors) return refused(tensors.error());
  std::set<std::string> names;
  std::uint64_t covered = kSafetensorsPrefixBytes + *header_bytes;
  for (const auto& tensor : *tensors) {
    TROUPE_ASSERT(names.insert(tensor.name).second);
    TROUPE_ASSERT(tensor.name.size() <= kMaxTensorNameBytes);
    TROUPE_ASSERT(tensor.shape.size() <= kMaxTensorRank);
    TROUPE_ASSERT(tensor.begin == covered && tensor.end >= tensor.begin);
    TROUPE_ASSERT(static_cast<std::uint64_t>(tensor.elements()) *
                      element_bytes(tensor.type) ==
                  tensor.bytes());
    covered = tensor.end;
  }
  TROUPE_ASSERT(covered == file.size());
  return true;
}

}  // namespace troupe
