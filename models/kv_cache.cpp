#include "models/kv_cache.hpp"

#include <algorithm>
#include <string>

namespace troupe {

using kernels::kPageTokens;

void KvCache::lay_out(Arena& arena) {
  const auto& o = options_;
  const auto elements = o.pages * o.kv_heads * o.head_dim * kPageTokens;
  keys_.clear();
  values_.clear();
  for (std::int64_t layer = 0; layer < o.layers; ++layer) {
    keys_.push_back(arena.take<float>(elements));
    values_.push_back(arena.take<float>(elements));
  }
}

std::uint64_t KvCache::bytes_for(const KvCacheOptions& options) {
  KvCache cache{options};
  Arena count;
  cache.lay_out(count);
  return count.used();
}

Result<KvCache> KvCache::make(const KvCacheOptions& options) {
  auto arena = Arena::allocate(bytes_for(options));
  if (!arena) return arena.error();
  KvCache cache{options};
  cache.memory_ = std::move(*arena);
  cache.lay_out(cache.memory_);
  cache.sequences_.resize(static_cast<std::size_t>(options.sequences));
  cache.table_.resize(
      static_cast<std::size_t>(options.sequences * options.max_sequence_pages));
  for (auto page = options.pages; page > 0; --page)
    cache.free_.push_back(static_cast<std::int32_t>(page - 1));
  return cache;
}

Result<std::int32_t> KvCache::open(std::int64_t tokens) {
  TROUPE_ASSERT(tokens >= 1);
  const auto pages = (tokens - 1) / kPageTokens + 1;
  const auto most = std::min(options_.max_sequence_pages, options_.pages);
  if (pages > most)
    return Error{Errc::too_large, std::to_string(tokens) +
                                      " tokens are more than the " +
                                      std::to_string(most * kPageTokens) +
                                      " that one sequence may hold"};
  const auto seat = std::ranges::find(sequences_, false,
                                      [](const auto& s) { return s.open; });
  if (seat == sequences_.end())
    return Error{Errc::out_of_memory, "all " +
                                          std::to_string(options_.sequences) +
                                          " sequences of the cache are taken"};
  if (pages > free_pages())
    return Error{Errc::out_of_memory,
                 std::to_string(tokens) + " tokens need " +
                     std::to_string(pages) + " pages of the cache; " +
                     std::to_string(free_pages()) + " are free"};
  const auto index = seat - sequences_.begin();
  seat->open = true;
  seat->pages.assign(free_.end() - pages, free_.end());
  std::ranges::reverse(seat->pages);
  free_.resize(free_.size() - static_cast<std::size_t>(pages));
  std::ranges::copy(seat->pages,
                    table_.begin() + index * options_.max_sequence_pages);
  return static_cast<std::int32_t>(index);
}

void KvCache::close(std::int32_t sequence) {
  TROUPE_ASSERT(is_open(sequence));
  auto& closing = sequences_[static_cast<std::size_t>(sequence)];
  free_.insert(free_.end(), closing.pages.rbegin(), closing.pages.rend());
  closing = {};
}

bool KvCache::is_open(std::int32_t sequence) const {
  return sequence >= 0 && sequence < std::ssize(sequences_) &&
         sequences_[static_cast<std::size_t>(sequence)].open;
}

const KvCache::Sequence& KvCache::at(std::int32_t sequence) const {
  TROUPE_ASSERT(is_open(sequence));
  return sequences_[static_cast<std::size_t>(sequence)];
}

std::int64_t KvCache::length(std::int32_t sequence) const {
  return at(sequence).length;
}

std::int64_t KvCache::capacity(std::int32_t sequence) const {
  return std::ssize(at(sequence).pages) * kPageTokens;
}

void KvCache::set_length(std::int32_t sequence, std::int64_t length) {
  TROUPE_ASSERT(length >= 0 && length <= capacity(sequence));
  sequences_[static_cast<std::size_t>(sequence)].length = length;
}

kernels::KvPages KvCache::layer(std::int64_t index) const {
  return {.keys = keys_[static_cast<std::size_t>(index)],
          .values = values_[static_cast<std::size_t>(index)],
          .dtype = DType::f32,
          .pages = options_.pages,
          .kv_heads = options_.kv_heads,
          .head_dim = options_.head_dim};
}

TensorRef KvCache::page_table() const {
  return matrix_ref(table_.data(), options_.sequences,
                    options_.max_sequence_pages);
}

}  // namespace troupe
