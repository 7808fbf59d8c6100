// DATA/store.id: the mark of a data folder whose store was opened once. A
// folder that bears it and holds no store has lost one (its volume is not
// mounted, somebody removed it): there nothing begins an empty history.
#pragma once

#include <filesystem>
#include <string>

#include "core/result.hpp"

namespace troupe {

std::filesystem::path store_mark_file(const std::filesystem::path& data);

/// Whether there is a database in DATA/store, whatever its state.
bool has_store(const std::filesystem::path& data);

/// corrupt, with what to type: the folder bears the mark, and its store or the
/// folder of its artifacts is gone. What cannot be looked at is no error here:
/// whoever opens it says why.
Status check_store_mark(const std::filesystem::path& data);

/// Written once both are there; durable when it returns. The same id again
/// writes nothing. Errors: those of the file system.
Status mark_store(const std::filesystem::path& data,
                  const std::string& store_id);

}  // namespace troupe
