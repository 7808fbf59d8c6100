// One model on a device, in one setting: who waits for it, its load, its
// engine, and the attempts that this computes. No actor, no clock, no thread.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/executor.hpp"
#include "models/model.hpp"

namespace troupe {

/// What came of a call: ends and notes to report, progress to show, models
/// that are gone.
struct DeviceNews {
  std::vector<AttemptEnd> ends;
  std::vector<ModelDrop> dropped;
  std::vector<AttemptNote> notes;
  std::vector<LiveEvent> live;
  std::vector<std::string> remarks;  // Of loads, for the operator.
};

/// Holds memory from the first step until it is closed.
class HeldModel {
 public:
  /// For attempts like `first`, which is not yet added. `setting`: see
  /// ModelFamily. `ctx` and `family` outlive this.
  HeldModel(const ModelFamily& family, std::string setting,
            const Assignment& first, const ModelPlaces& places, Context& ctx);

  /// Whether the attempt is one for this. `setting` tells only where the ledger
  /// names no model: what is resident names the setting, too.
  bool serves(const ModelFamily& family, const Assignment& a,
              const std::string& setting) const;

  void add(Assignment a) { queued_.push_back({std::move(a)}); }

  /// False: it is not here. No end is told of it.
  bool stop(const Token& token);

  bool is_used() const { return !queued_.empty() || !running_.empty(); }
  bool is_open() const { return loader_ || engine_; }
  bool is_loading() const { return loader_ != nullptr; }

  /// One bounded step: a piece of the load, or one step of all attempts that
  /// run. REQUIRES: is_used().
  void step(DeviceNews& news);

  /// What the ledger calls it; empty: it does not count it apart.
  const std::string& resident() const { return drop_.model; }
  const ModelDrop& as_drop() const { return drop_; }

  /// Adds the attempts that are here.
  void list(std::vector<Token>& all) const;

 private:
  void look_at_files();
  bool open(DeviceNews& news);
  void step_load(DeviceNews& news);
  void tell_load(const LoadProgress& progress, DeviceNews& news) const;
  void admit_queued(DeviceNews& news);
  void apply(RunEvent event, DeviceNews& news);
  void tell_full(DeviceNews& news);
  void fail_next(FailureClass klass, const Error& why, DeviceNews& news);
  void close();

  Context& ctx_;
  const ModelPlaces& places_;
  const ModelFamily& family_;
  const std::string model_, setting_;
  const ModelDrop drop_;
  ModelContent content_;            // Of what is loaded.
  std::unique_ptr<Loader> loader_;  // While loading,
  std::string remark_;              // the last one of it,
  std::unique_ptr<Engine> engine_;  // then this.
  struct Queued {
    Assignment assignment;
    bool told_full = false;
  };
  std::deque<Queued> queued_;
  std::map<RunId, Token> running_;
  bool full_ = false;  // The engine refused a run, and none has ended since.
};

}  // namespace troupe
