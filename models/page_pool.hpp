// Who uses which page of a paged cache, and what full pages hold: a page whose
// tokens are remembered can serve every sequence that begins the same way.
// Knows numbers only, no memory.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "kernels/kv_pages.hpp"
#include "models/text/tokenizer_file.hpp"

namespace troupe {

/// Names all tokens up to the end of a remembered page; never used again for
/// others. 0: nothing, the beginning of every sequence.
using PrefixId = std::uint64_t;

using PageTokens = std::span<const TokenId, kernels::kPageTokens>;

struct RememberedPage {
  std::int32_t page = 0;
  PrefixId prefix = 0;  // Up to its end.
};

/// Used by one thread.
class PagePool {
 public:
  explicit PagePool(std::int64_t pages);

  /// What take() can give: pages without a user, remembered or not.
  std::int64_t free() const {
    return std::ssize(free_) + static_cast<std::int64_t>(idle_.size());
  }
  /// A page for one user; at need the remembered one whose last user left
  /// first, which is forgotten. REQUIRES: free() > 0.
  std::int32_t take();
  /// One user less. The page of a sequence's end must go before the pages
  /// ahead of it, which are worth more.
  void release(std::int32_t page);

  /// The page that holds `tokens` after `parent`, with one user more.
  std::optional<RememberedPage> share(PrefixId parent, PageTokens tokens);

  /// `page` holds `tokens` after `parent`, and stays so while it has a user.
  /// Where another page does, that one stays the one to be shared.
  PrefixId remember(std::int32_t page, PrefixId parent, PageTokens tokens);

 private:
  struct Key {
    PrefixId parent = 0;
    std::array<TokenId, kernels::kPageTokens> tokens{};
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  using Index = std::map<Key, RememberedPage>;
  struct Page {
    std::int32_t users = 0;
    std::optional<Index::iterator> entry;
    std::list<std::int32_t>::iterator idle;  // When remembered, without users.
  };

  Page& at(std::int32_t page) { return pages_[static_cast<std::size_t>(page)]; }
  static Key key_of(PrefixId parent, PageTokens tokens);

  std::vector<Page> pages_;
  std::vector<std::int32_t> free_;  // The next to give out is the last.
  std::list<std::int32_t> idle_;    // Remembered; the first to forget is first.
  Index index_;
  PrefixId last_prefix_ = 0;
};

}  // namespace troupe
