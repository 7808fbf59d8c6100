// Bringing bytes to a head: begin, chunks with credit, begin again from where
// the head stands after a cut. Internal to client/.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "client/connection.hpp"
#include "client/files.hpp"
#include "core/job.hpp"
#include "core/result.hpp"

namespace troupe::client {

/// The bytes of [offset, offset + limit), fewer only at the end.
using ByteSource =
    std::function<Result<std::string>(std::uint64_t offset, std::size_t limit)>;

/// `what` has name, hash, size and type of what `source` yields.
Result<ArtifactRef> upload(Connection& connection, ArtifactRef what,
                           const ByteSource& source,
                           const UploadOptions& options);

}  // namespace troupe::client
