// What kind of content a file name promises.
#pragma once

#include <string_view>

namespace troupe::client {

/// By the ending, in any case; "application/octet-stream" for the unknown.
std::string_view media_type_of(std::string_view file_name);

}  // namespace troupe::client
