// Changes one setting in the text of a configuration file and leaves all else
// in it, comments too, as it was. Refuses what a node would refuse to read.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace troupe {

/// `text` with `name` ("queue.max_jobs") set to `value`, as --set takes it.
/// `file` stands for it in messages. Errors: invalid_argument (unknown name,
/// value out of range, a file that is wrong already or would be then),
/// unsupported (the file is written so that it must be edited by hand).
Result<std::string> with_option(std::string_view text, const std::string& file,
                                std::string_view name, std::string_view value);

}  // namespace troupe
