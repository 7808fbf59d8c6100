// The paged cache of keys and values that the sequences of one model share.
// Pages are reserved when a sequence is opened, for all it may ever hold, so
// that nothing that runs is ever short of them. Sequences that begin the same
// way share the full pages of that beginning.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/result.hpp"
#include "kernels/context.hpp"
#include "kernels/kv_pages.hpp"
#include "models/arena.hpp"
#include "models/page_pool.hpp"

namespace troupe {

struct KvCacheOptions {
  std::int64_t layers = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t pages = 0;      // Of kernels::kPageTokens positions.
  std::int64_t sequences = 0;  // Open at once, at most.
  std::int64_t max_sequence_pages = 0;
  DType dtype = DType::f32;  // On a CUDA device bf16, too.
};

/// Used by one thread.
class KvCache {
 public:
  /// Of the device's memory.
  static std::uint64_t bytes_for(const KvCacheOptions& options,
                                 const Device& device = {});
  /// What `ctx` points to outlives it. Errors: out_of_memory, device_lost.
  static Result<KvCache> make(const KvCacheOptions& options,
                              const Context& ctx = {});

  /// Without memory, for measuring.
  static KvCache counting(const KvCacheOptions& options);

  /// Reserves room for `tokens` positions; gives the sequence's number, which
  /// is free again after close(). It begins with the full pages of the longest
  /// beginning of `beginning` that is remembered: length() says how far.
  /// REQUIRES: tokens >= 1, beginning.size() <= tokens. Errors:
  /// out_of_memory (not now: ask again when one has closed), too_large (never).
  Result<std::int32_t> open(std::int64_t tokens,
                            std::span<const TokenId> beginning = {});
  /// REQUIRES: is_open(sequence). What was remembered may be shared on.
  void close(std::int32_t sequence);

  bool is_open(std::int32_t sequence) const;
  /// Positions that hold keys and values. REQUIRES: is_open(sequence).
  std::int64_t length(std::int32_t sequence) const;
  std::int64_t capacity(std::int32_t sequence) const;
  /// Says that positions up to `length` were written, or are to be written
  /// again. REQUIRES: 0 <= length <= capacity.
  void set_length(std::int32_t sequence, std::int64_t length);

  /// Goes on with what others remembered since, instead of its own pages;
  /// gives the sequence's length. Where it has computed more than it remembers
  /// (a page that is not full), nothing is shared.
  std::int64_t share(std::int32_t sequence, std::span<const TokenId> beginning);
  /// Lets others share the full pages up to the sequence's length. `tokens`
  /// are those of its positions. REQUIRES: tokens.size() >= length(sequence).
  void remember(std::int32_t sequence, std::span<const TokenId> tokens);

  /// Those that nobody uses, remembered or not.
  std::int64_t free_pages() const { return pool_.free(); }
  kernels::KvPages layer(std::int64_t index) const;
  /// i32 [sequences, max_sequence_pages], where the device sees it: as it was
  /// at the last upload().
  TensorRef page_table() const;
  /// Brings the page table to the device where it changed: to be called before
  /// a step. Errors: device_lost.
  Status upload();

 private:
  struct Sequence {
    bool open = false;
    std::int64_t length = 0;
    std::vector<std::int32_t> pages;
    std::size_t remembered = 0;  // Of the pages, the first.
    PrefixId prefix = 0;         // Of these.
  };

  KvCache(const KvCacheOptions& options, const Context& ctx)
      : ctx_{ctx}, options_{options}, pool_{options.pages} {}
  void lay_out(Arena& arena);
  void seat();
  const Sequence& at(std::int32_t sequence) const;
  // To be written.
  std::int32_t* row_of(std::int32_t sequence) {
    table_changed_ = true;
    return table_.data() + sequence * options_.max_sequence_pages;
  }

  Context ctx_;
  KvCacheOptions options_;
  Arena memory_;
  std::vector<std::byte*> keys_;    // By layer.
  std::vector<std::byte*> values_;  // By layer.
  std::vector<Sequence> sequences_;
  std::vector<std::int32_t> table_;
  std::int32_t* device_table_ = nullptr;  // Null: the device sees table_.
  bool table_changed_ = true;
  PagePool pool_;
};

}  // namespace troupe
