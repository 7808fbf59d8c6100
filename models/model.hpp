// The contract between the inference actor and every model family: a Loader
// becomes an Engine, an Engine computes many runs. No CAF, no CUDA.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/result.hpp"
#include "kernels/context.hpp"
#include "models/model_places.hpp"
#include "models/packed_place.hpp"

namespace troupe {

inline constexpr std::uint64_t kMaxLoadStepBytes = 256u << 20;

using RunId = std::uint64_t;  // Unique within its engine; never reused.

struct Request {
  std::string kind;             // One of the family's kinds.
  std::string params;           // JSON object, normalised by the kind.
  std::string model_hash = {};  // Of the model that is asked; empty: unknown.
};

// -- what happened to a run in one step ---------------------------------------

struct StepProgress {
  std::int64_t done = 0;
  std::int64_t total = 0;  // 0 where nobody can know.
  /// Of both. Another one than before: another part of the work, from 0.
  std::string_view unit = "step";
};

/// A piece of output in order: text, a frame, an image. A run that is made
/// again gives the same pieces.
struct Output {
  std::string mime;
  std::string bytes;
  std::uint32_t choice = 0;  // Of several answers, which.
  std::uint64_t index = 0;   // Within the choice, ascending: tokens so far.
};

struct Finished {
  std::string result;  // JSON object: the job's result.
};

/// Finished and Error (it failed) are the last a run is heard of.
struct RunEvent {
  RunId run = 0;
  std::variant<StepProgress, Output, Finished, Error> what;
};

struct StepReport {
  std::vector<RunEvent> events;  // Empty when no run is admitted.
};

// -- the two halves of a family -----------------------------------------------

/// Loaded weights on one device and the runs that share them.
class Engine {
 public:
  virtual ~Engine() = default;

  /// Errors: invalid_argument (params), out_of_memory (the pool of runs is
  /// full: ask again when one has ended or was cancelled; before that it would
  /// be the same, at the price of reading the request).
  virtual Result<RunId> admit(const Request& request) = 0;

  /// Frees what the run holds; no event follows. Unknown ids are ignored.
  virtual void cancel(RunId run) = 0;

  /// One bounded unit of work: one token for every admitted run (text), one
  /// denoising step of the oldest run (diffusion). One run's failure is its
  /// event and disturbs no other. Does not throw.
  virtual StepReport step() = 0;
};

/// A part of a model as the ledger sees it, all reserved before the first
/// load step: weights, and the pool its runs live in (KV pages, latents).
struct Component {
  std::string name;  // "text_encoder", "transformer", "vae", "runs"
  std::uint64_t bytes = 0;
};

struct LoadProgress {
  std::uint64_t loaded_bytes = 0;
  std::uint64_t total_bytes = 0;
  bool done() const { return loaded_bytes == total_bytes; }
};

/// A load that has begun. Destroying it abandons the load and its memory.
class Loader {
 public:
  virtual ~Loader() = default;

  /// Known from file headers alone, before step() touches the device.
  virtual std::span<const Component> components() const = 0;

  /// Loads at most kMaxLoadStepBytes. Errors: corrupt, unavailable,
  /// invalid_argument (a shape that a kernel's supports() refuses).
  virtual Result<LoadProgress> step() = 0;

  /// What people should know of the load; empty: nothing.
  virtual std::string remark() const { return {}; }

  /// REQUIRES: the last step() was done(). Once.
  virtual std::unique_ptr<Engine> take() = 0;
};

/// What a request may ask of a model, whatever device computes it.
struct RequestLimits {
  std::int64_t sequence = 0;     // Tokens of a prompt and one answer together.
  std::int64_t pages = 0;        // Of the cache, for all answers together.
  std::int64_t tokens = 0;       // Their ids are below.
  std::string why_no_chat = {};  // Empty: it takes messages.
};

/// Everything the system must know about a family; see models/registry.cpp.
struct ModelFamily {
  std::string_view name;                    // "qwen2"
  std::span<const std::string_view> kinds;  // "text.generate", ...
  /// `ctx` outlives the loader and its engine. Errors: not_found, corrupt.
  Result<std::unique_ptr<Loader>> (*open)(const ModelSource& source,
                                          const std::string& setting,
                                          Context& ctx);
  /// What a Loader's components() would say, from the smallest files alone:
  /// quick. Errors: as open().
  Result<std::vector<Component>> (*plan)(const std::filesystem::path& dir,
                                         const std::string& setting,
                                         const Context& ctx);
  /// What of a request decides how its model is loaded (the numbers it is
  /// computed in): requests of different settings share no engine. Null: there
  /// is nothing to decide.
  std::string (*setting)(const Request& request) = nullptr;
  /// Runs that an engine computes at once; what is admitted beyond waits in it.
  std::uint32_t batch = 1;
  /// Null: there are none. Errors: all that loading would refuse but for the
  /// numbers of the weights. Reads headers, configuration and text files, and
  /// so takes longer than plan().
  Result<RequestLimits> (*limits)(const std::filesystem::path& dir) = nullptr;
  /// What of a request no engine of such a model would ever do, each with its
  /// path. What its kind refuses is not told again. Null with `limits`.
  std::vector<Fault> (*beyond)(const RequestLimits& limits,
                               const Request& request) = nullptr;

  std::string setting_of(const Request& request) const {
    return setting == nullptr ? std::string{} : setting(request);
  }
};

/// What a model's folder holds, as far as it is known without reading it.
struct ModelContent {
  std::string stamp;  // Another one: something was written since.
  std::string hash;   // See models/model_files.hpp; empty: not known.
};

/// Empty where there is no such folder.
ModelContent model_content(const ModelPlaces& places, const std::string& name);

/// What a request asks of a device's memory: the model in one setting.
struct ModelNeeds {
  std::string setting;
  std::vector<Component> components;
  std::uint32_t batch = 1;  // See ModelFamily.
};

/// Of the model of that name on a device like this. Errors: those of
/// find_model() and of the family's plan(); unsupported: no family serves the
/// kind.
Result<ModelNeeds> model_needs(const ModelPlaces& places,
                               const std::string& name, const Request& request,
                               const Device& device = {});

/// Of the model in that folder for that kind. Errors: see ModelFamily::limits;
/// unsupported: no family serves the kind.
Result<RequestLimits> request_limits(const std::filesystem::path& folder,
                                     const std::string& kind);

/// Errors: invalid_argument with all of `request` that is beyond the limits.
Status request_fits(const RequestLimits& limits, const Request& request);

/// The table that `apps` hands to inference actors as a value.
std::span<const ModelFamily* const> model_families();

/// The one of the table that serves the kind; null: none does.
const ModelFamily* family_of(std::string_view kind);

}  // namespace troupe
