// The table of all kinds this program knows. Explicit: a linker drops
// unreferenced objects of static libraries silently.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/kind.hpp"

namespace troupe {

/// In the order people see them.
Kinds all_kinds();

std::vector<std::string> kind_names(const Kinds& kinds);

/// "'process.rnu' is unknown; did you mean 'process.run'? known are ...".
std::string unknown_kind(const Kinds& kinds, std::string_view name);

}  // namespace troupe
