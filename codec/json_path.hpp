// Where in a JSON text a reader stops: for texts that are no JSON, so that who
// wrote one finds the place.
#pragma once

#include <string>
#include <string_view>

namespace troupe {

/// "messages[0].content": the member or item that was being read when `text`
/// stopped being JSON; empty: none was, or it is JSON.
std::string path_of_break(std::string_view text);

}  // namespace troupe
