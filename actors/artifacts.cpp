#include "actors/artifacts.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>

#include "actors/errors.hpp"
#include "actors/supervisor.hpp"

namespace troupe {
namespace {

using SelfActor =
    Supervised<ArtifactsKeeper>::extend<caf::result<void>(wake_atom)>;

class ArtifactsState {
 public:
  static inline const char* name = "troupe.artifacts";

  ArtifactsState(SelfActor::pointer self, ArtifactsOptions options)
      : self_{self}, options_{std::move(options)}, files_{*options_.files} {}

  SelfActor::behavior_type make_behavior() {
    sweep_later();
    return {
        [this](upload_atom, const UploadBegin& upload) {
          return reply(files_.begin(upload));
        },
        [this](upload_atom, const UploadChunk& chunk) {
          return reply(files_.append(chunk));
        },
        [this](download_atom, const DownloadChunk& chunk) {
          return reply(read(chunk));
        },
        [this](release_atom, const std::vector<std::string>& orphaned) {
          // An error leaves a file that nobody uses; the next order of the
          // same content finds it again.
          for (const auto& sha256 : orphaned)
            (void)files_.remove(sha256, referred());
        },
        [this](release_atom, JobId job, const std::vector<std::string>& named) {
          files_.named(named);
          if (options_.clear_job) options_.clear_job(job);
        },
        [](bind_atom, const std::string&, const caf::actor&) {},
        [this](wake_atom) {
          (void)files_.expire_uploads(options_.clock->now(),
                                      options_.upload_expiry_ms, referred());
          sweep_later();
        },
    };
  }

 private:
  ArtifactStore::Referred referred() const {
    return [this](const std::string& sha256) {
      return options_.store->refers_to(sha256);
    };
  }

  // One that a job names and that is not there is lost, not unknown.
  Result<ChunkReply> read(const DownloadChunk& chunk) const {
    auto bytes = files_.read(chunk);
    if (bytes || bytes.error().code != Errc::not_found) return bytes;
    const auto named = options_.store->refers_to(chunk.sha256);
    if (!named || !*named) return bytes;
    return Error{Errc::corrupt,
                 "artifact " + chunk.sha256 +
                     " is gone from this disk, though a job names it; bring "
                     "the file again: troupe artifacts put FILE"};
  }

  void sweep_later() {
    self_->delayed_send(self_, std::chrono::milliseconds(options_.sweep_ms),
                        wake_atom_v);
  }

  SelfActor::pointer self_;
  const ArtifactsOptions options_;
  ArtifactStore& files_;
};

}  // namespace

ArtifactsKeeper spawn_artifacts(caf::actor_system& sys,
                                ArtifactsOptions options) {
  using Impl = SelfActor::stateful_impl<ArtifactsState>;
  if (options.own_thread)
    return sys.spawn<Impl, caf::detached>(std::move(options));
  return sys.spawn<Impl>(std::move(options));
}

}  // namespace troupe
