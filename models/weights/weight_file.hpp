// One safetensors file, checked when it is opened and read by pread into the
// caller's memory: a file cut short later is an error, never a fault signal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "models/weights/safetensors.hpp"
#include "platform/bulk_reader.hpp"

namespace troupe {

/// One pread; large enough for a disk's full rate, small enough that a cancel
/// between two of them is prompt.
inline constexpr std::uint64_t kReadBlockBytes = 8u << 20;

/// Reading is thread-safe.
class WeightFile {
 public:
  /// Errors: not_found, denied, io_error; unsupported (a pickle file, an
  /// unknown dtype); corrupt, too_large (see safetensors.hpp).
  static Result<WeightFile> open(const std::filesystem::path& path);

  /// In the order of the data.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  const std::filesystem::path& path() const { return path_; }
  bool past_cache() const { return file_.past_cache(); }

  /// Fills `out` with the tensor's bytes from `offset` on, in blocks.
  /// REQUIRES: `tensor` is of this file; offset + out.size() <= its bytes.
  /// Errors: corrupt (the file became shorter), io_error.
  Status read(const StoredTensor& tensor, std::uint64_t offset,
              std::span<std::byte> out) const;

  /// The same bytes, fit for elements of two bytes, in `aside` until it is used
  /// again; past the system's cache where they do not lie there.
  Result<std::span<const std::byte>> view(const StoredTensor& tensor,
                                          std::uint64_t offset,
                                          std::size_t bytes,
                                          platform::AlignedBytes& aside) const;

  /// Asks the system to bring these bytes, which are read soon. Advice.
  void read_ahead(const StoredTensor& tensor, std::uint64_t offset,
                  std::uint64_t bytes) const;

  /// As view(), of elements from `first` on, widened to fp32.
  /// REQUIRES: first + out.size() <= its elements.
  /// Errors: also unsupported: neither bf16, f16 nor f32.
  Status read_f32(const StoredTensor& tensor, std::int64_t first,
                  std::span<float> out, platform::AlignedBytes& aside) const;
  Status read_f32(const StoredTensor& tensor, std::int64_t first,
                  std::span<float> out) const {
    platform::AlignedBytes aside;
    return read_f32(tensor, first, out, aside);
  }

 private:
  WeightFile(std::filesystem::path path, platform::BulkReader file,
             std::vector<StoredTensor> tensors)
      : path_{std::move(path)},
        file_{std::move(file)},
        tensors_{std::move(tensors)} {}
  Error read_error(const StoredTensor& tensor, const Error& why) const;
  Error cut_short(const StoredTensor& tensor) const;

  std::filesystem::path path_;
  platform::BulkReader file_;
  std::vector<StoredTensor> tensors_;
};

/// A status that refuses `path` when its name is that of a pickle file.
/// Errors: unsupported, with what to do.
Status refuse_pickle(const std::filesystem::path& path);

}  // namespace troupe
