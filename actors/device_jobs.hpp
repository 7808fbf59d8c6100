// What one device does next: which models it holds, which attempts run
// together. No actor, no clock, no thread in sight.
#pragma once

#include <memory>
#include <vector>

#include "actors/held_model.hpp"

namespace troupe {

/// Several models at once, as the ledger counts them, in turns of one step; of
/// each several attempts together. A model that nobody uses stays until it is
/// dropped, or, where the ledger does not count it, until another is opened.
///
/// Invariant: every assigned attempt appears in exactly one AttemptEnd, unless
/// it was fenced.
class DeviceJobs {
 public:
  /// `ctx` and what `families` points to outlive this.
  DeviceJobs(Context& ctx, std::vector<const ModelFamily*> families,
             ModelPlaces places)
      : ctx_{ctx}, families_{std::move(families)}, places_{std::move(places)} {}
  DeviceJobs(const DeviceJobs&) = delete;

  void assign(Assignment assignment, DeviceNews& news);
  void stop(const StopOrder& order, DeviceNews& news);

  bool has_step() const;

  /// One bounded step of one model: a piece of a load, or one step of all its
  /// running attempts. REQUIRES: has_step().
  void step(DeviceNews& news);

  /// Gives the model back, or will when the last attempt here that uses it has
  /// ended; the next one loads it again. Heard of in some `news`, as are models
  /// whose load came to nothing.
  void drop(const ModelDrop& drop, DeviceNews& news);

  /// The attempts that are here.
  std::vector<Token> tokens() const;

 private:
  const ModelFamily* family_of(const JobSpec& spec) const;
  HeldModel& model_for(const ModelFamily& family, const Assignment& a);
  void close_uncounted(const HeldModel& next);
  void close_unused(DeviceNews& news);

  Context& ctx_;
  const std::vector<const ModelFamily*> families_;
  const ModelPlaces places_;
  std::vector<std::unique_ptr<HeldModel>> models_;  // By whose turn it is.
  std::vector<ModelDrop> drops_;  // Asked for, not yet given back.
};

/// How a stopped attempt ends.
JobEnd end_of(StopReason reason);

}  // namespace troupe
