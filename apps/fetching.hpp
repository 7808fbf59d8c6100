// Bringing a stored file to a local one, with a bar where people watch.
#pragma once

#include <filesystem>
#include <string>

#include "apps/session.hpp"

namespace troupe {

/// The whole file under `to`, or nothing (but see ArtifactReader::download()
/// for a device or a FIFO); makes missing folders. Errors: those of
/// Client::open() and ArtifactReader::download().
Status fetch_artifact(client::Client& client, const Terminal& terminal,
                      const std::string& sha256, const std::string& name,
                      const std::filesystem::path& to);

/// Its bytes to `out`; whether they are the right ones is known at the end.
/// Errors: those of Client::open() and ArtifactReader::stream(); io_error when
/// `out` takes no more.
Status print_artifact(client::Client& client, const std::string& sha256,
                      std::ostream& out);

/// The job's result, all of it: a long one is a file of the job.
/// Errors: those of print_artifact().
Result<std::string> whole_result(client::Client& client, const JobView& job);

}  // namespace troupe
