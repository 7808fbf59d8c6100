// Whether a store that nobody has open can be opened, found out by reading
// alone: for people who look before they start a node.
#pragma once

#include <filesystem>
#include <string>

#include "core/result.hpp"

namespace troupe {

struct StoreCheck {
  /// Of the index, in words; empty: none. Nothing is lost with it: the store
  /// makes it anew from the log, at the first start that meets the damage or
  /// follows a read that did.
  std::string index_damage;
};

/// Looks at the store in `dir` as JobStore::open() does, and beyond that at
/// every table; changes nothing, mends nothing. What open() mends is right, as
/// is a folder without a store. Errors: locked (a process has it open: not
/// looked at), and those of JobStore::open().
Result<StoreCheck> check_store(const std::filesystem::path& dir);

/// What a node that has the store in `dir` open found damaged when it read it;
/// empty: nothing. Of the log; a damaged index is made anew.
std::string damage_found(const std::filesystem::path& dir);

}  // namespace troupe
