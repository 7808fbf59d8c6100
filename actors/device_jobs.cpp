#include "actors/device_jobs.hpp"

#include <algorithm>

namespace troupe {
namespace {

template <class Count>
Progress progress_of(Count done, Count total, Phase phase,
                     std::string_view unit) {
  Progress progress{.phase = phase,
                    .done = static_cast<std::int64_t>(done),
                    .total = static_cast<std::int64_t>(total),
                    .unit = std::string(unit)};
  if (total > 0)
    progress.percent =
        100.0 * static_cast<double>(done) / static_cast<double>(total);
  return progress;
}

FailureClass class_of(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::unsupported:
    case Errc::too_large:
      return FailureClass::invalid;
    case Errc::out_of_memory:
      return FailureClass::resource;
    case Errc::corrupt:
    case Errc::not_found:
      return FailureClass::model;
    default:
      return FailureClass::transient;
  }
}

}  // namespace

JobEnd end_of(StopReason reason) {
  JobEnd end;
  switch (reason) {
    case StopReason::expired:
      end.state = JobState::expired;
      end.failure = Failure{FailureClass::timeout,
                            "deadline",
                            "its deadline passed while it ran",
                            {}};
      break;
    case StopReason::timeout:
      end.state = JobState::failed;
      end.failure = Failure{FailureClass::timeout,
                            "timeout",
                            "the attempt outran its time limit",
                            {}};
      break;
    case StopReason::shutdown:
      end.state = JobState::failed;
      end.failure = Failure{
          FailureClass::transient, "node_stopped", "the node was stopped", {}};
      break;
    case StopReason::cancelled:
    case StopReason::fenced:
      end.state = JobState::cancelled;
      break;
  }
  return end;
}

const ModelFamily* DeviceJobs::family_of(const JobSpec& spec) const {
  for (const auto* family : families_)
    if (std::ranges::count(family->kinds, spec.kind) > 0) return family;
  return nullptr;
}

// Asked at each step: what is resident names the setting, too, so that nobody's
// parameters are read again; where nothing is, the parameters must tell.
bool DeviceJobs::is_loaded_for(const Assignment& a) const {
  return family_of(a.spec) == family_ && a.spec.model == model_ &&
         a.resident == resident_ &&
         (!resident_.empty() ||
          family_->setting_of({a.spec.kind, a.spec.params}) == setting_);
}

void DeviceJobs::assign(Assignment assignment, DeviceNews& news) {
  if (!family_of(assignment.spec)) {
    news.ends.push_back(failed_attempt(
        assignment.token, FailureClass::invalid,
        {Errc::unsupported, "no family here runs " + assignment.spec.kind}));
    return;
  }
  queued_.push_back(std::move(assignment));
}

void DeviceJobs::stop(const StopOrder& order, DeviceNews& news) {
  bool here = std::erase_if(queued_, [&](const Assignment& a) {
                return a.token == order.token;
              }) > 0;
  here |= std::erase_if(running_, [&](const auto& entry) {
            if (entry.second != order.token) return false;
            engine_->cancel(entry.first);
            return true;
          }) > 0;
  if (here) full_ = false;
  if (!has_step() && loader_) close_model(news);  // Nobody waits for it.
  drop_unused(news);
  if (here && order.reason != StopReason::fenced)
    news.ends.push_back({order.token, end_of(order.reason)});
}

void DeviceJobs::step(DeviceNews& news) {
  TROUPE_ASSERT(has_step());
  step_once(news);
  drop_unused(news);
}

void DeviceJobs::step_once(DeviceNews& news) {
  if (loader_) return step_load(news);
  if (running_.empty()) look_at_model(news);
  if (!engine_ || (running_.empty() && !is_loaded_for(queued_.front())))
    if (!open_next(news)) return;
  if (loader_) return step_load(news);
  admit_queued(news);
  if (running_.empty()) return;
  for (auto& event : engine_->step().events) apply(std::move(event), news);
}

// A model may be removed, and another one added under its name.
void DeviceJobs::look_at_model(DeviceNews& news) {
  if (!engine_ || model_.empty()) return;
  auto content = model_content(places_, model_);
  if (content.stamp != content_.stamp) close_model(news);
  content_ = std::move(content);
}

void DeviceJobs::drop(const ModelDrop& drop, DeviceNews& news) {
  drops_.push_back(drop);
  drop_unused(news);
}

bool DeviceJobs::is_used(const std::string& model) const {
  return (!running_.empty() && resident_ == model) ||
         std::ranges::count(queued_, model, &Assignment::resident) > 0;
}

void DeviceJobs::close_model(DeviceNews& news) {
  const bool had = loader_ || engine_;
  loader_.reset();
  engine_.reset();
  if (had && !resident_.empty())
    news.dropped.push_back({device_, kind_, resident_});
}

void DeviceJobs::drop_unused(DeviceNews& news) {
  std::erase_if(drops_, [&](const ModelDrop& drop) {
    if (is_used(drop.model)) return false;
    if ((loader_ || engine_) && resident_ == drop.model)
      close_model(news);
    else
      news.dropped.push_back(drop);
    return true;
  });
}

bool DeviceJobs::open_next(DeviceNews& news) {
  close_model(news);
  const auto& next = queued_.front();
  family_ = family_of(next.spec);
  model_ = next.spec.model;
  resident_ = next.resident;
  kind_ = next.spec.kind;
  device_ = next.device;
  setting_ = family_->setting_of({next.spec.kind, next.spec.params});
  const auto folder =
      model_.empty() ? Result<std::filesystem::path>{std::filesystem::path{}}
                     : model_folder(places_, model_);
  // Before it is opened: what is written from now on is noticed.
  content_ = model_.empty() ? ModelContent{} : model_content(places_, model_);
  auto loader =
      folder ? family_->open(model_source(places_, *folder), setting_, ctx_)
             : folder.error();
  if (!loader) {
    news.ends.push_back(failed_attempt(
        next.token, class_of(loader.error().code), loader.error()));
    queued_.pop_front();
    return false;
  }
  std::uint64_t bytes = 0;
  for (const auto& c : (*loader)->components()) bytes += c.bytes;
  if (bytes > next.memory_bytes) {
    news.ends.push_back(failed_attempt(
        next.token, FailureClass::resource,
        {Errc::out_of_memory, "the model needs " + std::to_string(bytes) +
                                  " bytes; the job reserved " +
                                  std::to_string(next.memory_bytes)}));
    queued_.pop_front();
    return false;
  }
  loader_ = *std::move(loader);
  remark_.clear();
  return true;
}

// To all that wait for it. The end of a load needs no word: what comes next
// has its own.
void DeviceJobs::tell_load(const LoadProgress& progress,
                           DeviceNews& news) const {
  if (progress.done()) return;
  for (const auto& a : queued_) {
    if (!is_loaded_for(a)) continue;
    LiveEvent live{.job = a.token.job, .attempt = a.token.attempt};
    live.progress = progress_of(progress.loaded_bytes, progress.total_bytes,
                                Phase::loading, kBytesUnit);
    news.live.push_back(std::move(live));
  }
}

void DeviceJobs::step_load(DeviceNews& news) {
  auto progress = loader_->step();
  if (auto remark = loader_->remark(); !remark.empty() && remark != remark_)
    news.remarks.push_back(remark_ = std::move(remark));
  if (!progress) {
    close_model(news);
    news.ends.push_back(failed_attempt(queued_.front().token,
                                       class_of(progress.error().code),
                                       progress.error()));
    queued_.pop_front();
    return;
  }
  if (!progress->done()) return tell_load(*progress, news);
  engine_ = loader_->take();
  loader_.reset();
}

// Oldest first. A full engine, or another model, leaves the rest queued until
// a run has ended.
void DeviceJobs::admit_queued(DeviceNews& news) {
  while (!queued_.empty() && !full_) {
    auto& next = queued_.front();
    if (!is_loaded_for(next)) return;
    auto run =
        engine_->admit({next.spec.kind, next.spec.params, content_.hash});
    if (run)
      running_.emplace(*run, next.token);
    else if (run.error().code == Errc::out_of_memory && !running_.empty()) {
      full_ = true;
      return;
    } else
      news.ends.push_back(
          failed_attempt(next.token, class_of(run.error().code), run.error()));
    queued_.pop_front();
  }
}

void DeviceJobs::apply(RunEvent event, DeviceNews& news) {
  auto entry = running_.find(event.run);
  TROUPE_ASSERT(entry != running_.end());
  const Token token = entry->second;
  if (auto* p = std::get_if<StepProgress>(&event.what)) {
    LiveEvent live{.job = token.job, .attempt = token.attempt};
    live.progress = progress_of(p->done, p->total, Phase::executing, p->unit);
    news.live.push_back(std::move(live));
    return;
  }
  if (auto* output = std::get_if<Output>(&event.what)) {
    LiveEvent live{.job = token.job, .attempt = token.attempt};
    live.type = LiveType::token;
    live.token = std::move(output->bytes);
    live.index = output->index;
    live.choice = output->choice;
    news.live.push_back(std::move(live));
    return;
  }
  if (auto* error = std::get_if<Error>(&event.what))
    news.ends.push_back(failed_attempt(token, class_of(error->code), *error));
  else
    news.ends.push_back(
        {token, JobEnd{.state = JobState::succeeded,
                       .failure = {},
                       .result = std::get<Finished>(event.what).result,
                       .artifacts = {}}});
  running_.erase(entry);
  full_ = false;
}

std::vector<Token> DeviceJobs::tokens() const {
  std::vector<Token> here;
  for (const auto& a : queued_) here.push_back(a.token);
  for (const auto& [run, token] : running_) here.push_back(token);
  return here;
}

}  // namespace troupe
