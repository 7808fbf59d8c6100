#include "models/page_pool.hpp"

#include <algorithm>

namespace troupe {

PagePool::PagePool(std::int64_t pages)
    : pages_(static_cast<std::size_t>(pages)) {
  free_.reserve(pages_.size());
  for (auto page = pages; page > 0; --page)
    free_.push_back(static_cast<std::int32_t>(page - 1));
}

std::int32_t PagePool::take() {
  TROUPE_ASSERT(free() > 0);
  std::int32_t page = 0;
  if (!free_.empty()) {
    page = free_.back();
    free_.pop_back();
  } else {
    page = idle_.front();
    idle_.pop_front();
    index_.erase(*at(page).entry);
    at(page).entry.reset();
  }
  at(page).users = 1;
  return page;
}

void PagePool::release(std::int32_t page) {
  auto& left = at(page);
  TROUPE_ASSERT(left.users > 0);
  if (--left.users > 0) return;
  if (left.entry)
    left.idle = idle_.insert(idle_.end(), page);
  else
    free_.push_back(page);
}

PagePool::Key PagePool::key_of(PrefixId parent, PageTokens tokens) {
  Key key{.parent = parent};
  std::ranges::copy(tokens, key.tokens.begin());
  return key;
}

std::optional<RememberedPage> PagePool::share(PrefixId parent,
                                              PageTokens tokens) {
  const auto found = index_.find(key_of(parent, tokens));
  if (found == index_.end()) return {};
  auto& page = at(found->second.page);
  if (page.users++ == 0) idle_.erase(page.idle);
  return found->second;
}

PrefixId PagePool::remember(std::int32_t page, PrefixId parent,
                            PageTokens tokens) {
  auto& kept = at(page);
  TROUPE_ASSERT(kept.users > 0 && !kept.entry);
  const auto [entry, added] = index_.try_emplace(
      key_of(parent, tokens), RememberedPage{page, last_prefix_ + 1});
  if (added) {
    ++last_prefix_;
    kept.entry = entry;
  }
  return entry->second.prefix;
}

}  // namespace troupe
