#include "models/kv_cache.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "kernels/device_memory.hpp"

namespace troupe {

using kernels::kPageTokens;

void KvCache::lay_out(Arena& arena) {
  const auto& o = options_;
  const auto bytes = static_cast<std::size_t>(o.pages * o.kv_heads *
                                              o.head_dim * kPageTokens) *
                     dtype_bytes(o.dtype);
  keys_.clear();
  values_.clear();
  for (std::int64_t layer = 0; layer < o.layers; ++layer) {
    keys_.push_back(arena.take_bytes(bytes));
    values_.push_back(arena.take_bytes(bytes));
  }
  if (ctx_.device.backend == Backend::cuda)
    device_table_ =
        arena.take<std::int32_t>(o.sequences * o.max_sequence_pages);
}

std::uint64_t KvCache::bytes_for(const KvCacheOptions& options,
                                 const Device& device) {
  Context ctx;
  ctx.device = device;
  KvCache cache{options, ctx};
  Arena count;
  cache.lay_out(count);
  return count.used();
}

KvCache KvCache::counting(const KvCacheOptions& options) {
  KvCache cache{options, {}};
  Arena count;
  cache.lay_out(count);
  cache.seat();
  return cache;
}

void KvCache::seat() {
  sequences_.resize(static_cast<std::size_t>(options_.sequences));
  table_.resize(static_cast<std::size_t>(options_.sequences *
                                         options_.max_sequence_pages));
}

Result<KvCache> KvCache::make(const KvCacheOptions& options,
                              const Context& ctx) {
  auto arena = Arena::allocate(ctx, bytes_for(options, ctx.device));
  if (!arena) return arena.error();
  KvCache cache{options, ctx};
  cache.memory_ = std::move(*arena);
  cache.lay_out(cache.memory_);
  cache.seat();
  return cache;
}

Result<std::int32_t> KvCache::open(std::int64_t tokens,
                                   std::span<const TokenId> beginning) {
  TROUPE_ASSERT(tokens >= 1 && std::ssize(beginning) <= tokens);
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
  seat->open = true;
  const auto index = static_cast<std::int32_t>(seat - sequences_.begin());
  seat->pages.reserve(static_cast<std::size_t>(pages));
  share(index, beginning);
  const auto more = pages - std::ssize(seat->pages);
  if (const auto free = free_pages(); more > free) {
    close(index);
    return Error{Errc::out_of_memory, std::to_string(tokens) + " tokens need " +
                                          std::to_string(more) +
                                          " pages of the cache; " +
                                          std::to_string(free) + " are free"};
  }
  auto* row = row_of(index);
  while (std::ssize(seat->pages) < pages) {
    row[seat->pages.size()] = pool_.take();
    seat->pages.push_back(row[seat->pages.size()]);
  }
  return index;
}

void KvCache::close(std::int32_t sequence) {
  TROUPE_ASSERT(is_open(sequence));
  auto& closing = sequences_[static_cast<std::size_t>(sequence)];
  for (auto page = closing.pages.rbegin(); page != closing.pages.rend(); ++page)
    pool_.release(*page);
  closing = {};
}

std::int64_t KvCache::share(std::int32_t sequence,
                            std::span<const TokenId> beginning) {
  TROUPE_ASSERT(is_open(sequence));
  auto& to = sequences_[static_cast<std::size_t>(sequence)];
  const auto computed = static_cast<std::size_t>(to.length);
  if (computed != to.remembered * kPageTokens) return to.length;
  const auto full = beginning.size() / kPageTokens;
  for (; to.remembered < full; ++to.remembered) {
    const auto at = to.remembered;
    const auto shared = pool_.share(
        to.prefix, beginning.subspan(at * kPageTokens).first<kPageTokens>());
    if (!shared) break;
    if (at < to.pages.size())
      pool_.release(std::exchange(to.pages[at], shared->page));
    else
      to.pages.push_back(shared->page);
    row_of(sequence)[at] = shared->page;
    to.prefix = shared->prefix;
    to.length += kPageTokens;
  }
  return to.length;
}

void KvCache::remember(std::int32_t sequence, std::span<const TokenId> tokens) {
  TROUPE_ASSERT(is_open(sequence));
  auto& of = sequences_[static_cast<std::size_t>(sequence)];
  TROUPE_ASSERT(std::ssize(tokens) >= of.length);
  const auto full = static_cast<std::size_t>(of.length / kPageTokens);
  for (; of.remembered < full; ++of.remembered)
    of.prefix = pool_.remember(
        of.pages[of.remembered], of.prefix,
        tokens.subspan(of.remembered * kPageTokens).first<kPageTokens>());
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
  // What others may share is not written again.
  TROUPE_ASSERT(length >= static_cast<std::int64_t>(at(sequence).remembered) *
                              kPageTokens);
  sequences_[static_cast<std::size_t>(sequence)].length = length;
}

kernels::KvPages KvCache::layer(std::int64_t index) const {
  return {.keys = keys_[static_cast<std::size_t>(index)],
          .values = values_[static_cast<std::size_t>(index)],
          .dtype = options_.dtype,
          .pages = options_.pages,
          .kv_heads = options_.kv_heads,
          .head_dim = options_.head_dim};
}

TensorRef KvCache::page_table() const {
  const auto* table = device_table_ == nullptr ? table_.data() : device_table_;
  return matrix_ref(table, options_.sequences, options_.max_sequence_pages);
}

Status KvCache::upload() {
  if (device_table_ == nullptr || !table_changed_) return ok();
  if (auto good = kernels::copy_in(ctx_, device_table_, table_.data(),
                                   table_.size() * sizeof(std::int32_t));
      !good)
    return good;
  table_changed_ = false;
  return ok();
}

}  // namespace troupe
