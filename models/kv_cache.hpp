// The paged cache of keys and values that the sequences of one model share.
// Pages are reserved when a sequence is opened, for all it may ever hold, so
// that nothing that runs is ever short of them.
#pragma once

#include <cstdint>
#include <vector>

#include "core/result.hpp"
#include "kernels/kv_pages.hpp"
#include "models/arena.hpp"

namespace troupe {

struct KvCacheOptions {
  std::int64_t layers = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t pages = 0;      // Of kernels::kPageTokens positions.
  std::int64_t sequences = 0;  // Open at once, at most.
  std::int64_t max_sequence_pages = 0;
};

/// Used by one thread.
class KvCache {
 public:
  static std::uint64_t bytes_for(const KvCacheOptions& options);
  /// Errors: out_of_memory.
  static Result<KvCache> make(const KvCacheOptions& options);

  /// Reserves room for `tokens` positions; gives the sequence's number, which
  /// is free again after close(). REQUIRES: tokens >= 1. Errors:
  /// out_of_memory (not now: ask again when one has closed), too_large (never).
  Result<std::int32_t> open(std::int64_t tokens);
  /// REQUIRES: is_open(sequence).
  void close(std::int32_t sequence);

  bool is_open(std::int32_t sequence) const;
  /// Positions that hold keys and values. REQUIRES: is_open(sequence).
  std::int64_t length(std::int32_t sequence) const;
  std::int64_t capacity(std::int32_t sequence) const;
  /// Says that positions up to `length` were written, or are to be written
  /// again. REQUIRES: 0 <= length <= capacity.
  void set_length(std::int32_t sequence, std::int64_t length);

  std::int64_t free_pages() const { return std::ssize(free_); }
  kernels::KvPages layer(std::int64_t index) const;
  /// i32 [sequences, max_sequence_pages]
  TensorRef page_table() const;

 private:
  struct Sequence {
    bool open = false;
    std::int64_t length = 0;
    std::vector<std::int32_t> pages;
  };

  explicit KvCache(const KvCacheOptions& options) : options_{options} {}
  void lay_out(Arena& arena);
  const Sequence& at(std::int32_t sequence) const;

  KvCacheOptions options_;
  Arena memory_;
  std::vector<float*> keys_;    // By layer.
  std::vector<float*> values_;  // By layer.
  std::vector<Sequence> sequences_;
  std::vector<std::int32_t> table_;
  std::vector<std::int32_t> free_;  // The next to give out is the last.
};

}  // namespace troupe
