// What one device does next: which model it holds, which attempts run
// together. No actor, no clock, no thread in sight.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "actors/executor.hpp"
#include "models/model.hpp"

namespace troupe {

/// What came of a call: ends to report, progress to show, models that are gone.
struct DeviceNews {
  std::vector<AttemptEnd> ends;
  std::vector<ModelDrop> dropped;
  std::vector<LiveEvent> live;
  std::vector<std::string> remarks;  // Of loads, for the operator.
};

/// One model at a time, several attempts of it at once; attempts on another
/// model wait until it is free.
///
/// Invariant: every assigned attempt appears in exactly one AttemptEnd, unless
/// it was fenced.
class DeviceJobs {
 public:
  /// `ctx` and what `families` points to outlive this.
  DeviceJobs(Context& ctx, std::vector<const ModelFamily*> families,
             ModelPlaces places)
      : ctx_{ctx}, families_{std::move(families)}, places_{std::move(places)} {}

  void assign(Assignment assignment, DeviceNews& news);
  void stop(const StopOrder& order, DeviceNews& news);

  bool has_step() const { return !queued_.empty() || !running_.empty(); }

  /// One bounded step: a piece of a load, or one step of all running attempts.
  /// REQUIRES: has_step().
  void step(DeviceNews& news);

  /// Gives the model back, or will when the last attempt here that uses it has
  /// ended; the next one loads it again. Heard of in some `news`.
  void drop(const ModelDrop& drop, DeviceNews& news);

  /// The attempts that are here.
  std::vector<Token> tokens() const;

 private:
  const ModelFamily* family_of(const JobSpec& spec) const;
  bool is_loaded_for(const Assignment& assignment) const;
  void look_at_model(DeviceNews& news);
  void step_once(DeviceNews& news);
  bool is_used(const std::string& model) const;
  void close_model(DeviceNews& news);
  void drop_unused(DeviceNews& news);
  bool open_next(DeviceNews& news);
  void step_load(DeviceNews& news);
  void tell_load(const LoadProgress& progress, DeviceNews& news) const;
  void admit_queued(DeviceNews& news);
  void apply(RunEvent event, DeviceNews& news);

  Context& ctx_;
  const std::vector<const ModelFamily*> families_;
  const ModelPlaces places_;
  const ModelFamily* family_ = nullptr;  // Null: no model.
  std::string model_;
  std::string setting_;
  ModelContent content_;  // Of what is loaded.
  // Of the attempt that it was loaded for.
  std::string resident_, kind_, device_;
  std::unique_ptr<Loader> loader_;  // While loading,
  std::string remark_;              // the last one of it,
  std::unique_ptr<Engine> engine_;  // then this.
  std::deque<Assignment> queued_;
  std::map<RunId, Token> running_;
  bool full_ = false;  // The engine refused a run, and none has ended since.
  std::vector<ModelDrop> drops_;  // Asked for, not yet given back.
};

/// How a stopped attempt ends.
JobEnd end_of(StopReason reason);

}  // namespace troupe
