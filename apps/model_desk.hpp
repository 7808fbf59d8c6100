// What the subcommands of `models` share: where models are, which devices there
// are for them, and reading one whole with a bar and Ctrl-C.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "apps/command_line.hpp"
#include "apps/model_facts.hpp"
#include "models/model_files.hpp"
#include "models/model_places.hpp"

namespace troupe {

/// Errors: those of Session::data().
Result<ModelPlaces> places_of(const Session& session);

/// Those of the node where one answers, else what the configuration would let
/// one take. Errors: those of load_config(), and of cpu_device().
Result<std::vector<DeviceRoom>> device_rooms(Session& session);

/// Calls `read` with what it is to tell its progress to: a bar with rate and
/// time left, where people watch. Ctrl-C ends it.
Result<std::string> read_with_bar(
    const Terminal& terminal, const std::string& name, std::uint64_t bytes,
    const std::function<Result<std::string>(const ModelProgress&)>& read);

/// All there is to know of one. Its files are read where their hashes are not
/// known. Errors: those of describe_model() and of model_hash().
Result<ModelFacts> facts_of(Session& session,
                            const std::filesystem::path& folder);

}  // namespace troupe
