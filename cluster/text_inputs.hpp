// Parameters of an attempt that stand in its input files, as long prompts do:
// read and put where the kind's other parameters are, before a device process,
// which has no files, is told of the attempt.
#pragma once

#include <filesystem>

#include "actors/executor.hpp"
#include "core/result.hpp"

namespace troupe::cluster {

/// Fills what `prompt_input` and `messages_input` name, by way of `scratch`.
/// An attempt that names none is left as it is. Errors: invalid_argument (no
/// such input, no text, no JSON), too_large, those of ArtifactAccess::fetch().
Status fill_text_inputs(Assignment& attempt, ArtifactAccess* files,
                        const std::filesystem::path& scratch);

}  // namespace troupe::cluster
