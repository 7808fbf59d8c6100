#include "actors/held_model.hpp"

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

HeldModel::HeldModel(const ModelFamily& family, std::string setting,
                     const Assignment& first, const ModelPlaces& places,
                     Context& ctx)
    : ctx_{ctx},
      places_{places},
      family_{family},
      model_{first.spec.model},
      setting_{std::move(setting)},
      drop_{first.device, first.spec.kind, first.resident} {}

bool HeldModel::serves(const ModelFamily& family, const Assignment& a,
                       const std::string& setting) const {
  return &family == &family_ && a.spec.model == model_ &&
         a.resident == resident() &&
         (!resident().empty() || setting == setting_);
}

bool HeldModel::stop(const Token& token) {
  bool here = std::erase_if(queued_, [&](const Queued& q) {
                return q.assignment.token == token;
              }) > 0;
  here |= std::erase_if(running_, [&](const auto& entry) {
            if (entry.second != token) return false;
            engine_->cancel(entry.first);
            return true;
          }) > 0;
  if (here) full_ = false;
  return here;
}

void HeldModel::step(DeviceNews& news) {
  TROUPE_ASSERT(is_used());
  if (!loader_) {
    if (running_.empty()) look_at_files();
    if (!engine_ && !open(news)) return;
  }
  if (loader_) return step_load(news);
  admit_queued(news);
  if (running_.empty()) return;
  for (auto& event : engine_->step().events) apply(std::move(event), news);
}

// A model may be removed, and another one added under its name.
void HeldModel::look_at_files() {
  if (!engine_ || model_.empty()) return;
  if (model_content(places_, model_).stamp != content_.stamp) close();
}

void HeldModel::close() {
  loader_.reset();
  engine_.reset();
}

bool HeldModel::open(DeviceNews& news) {
  const auto folder =
      model_.empty() ? Result<std::filesystem::path>{std::filesystem::path{}}
                     : model_folder(places_, model_);
  // Before it is opened: what is written from now on is noticed.
  content_ = model_.empty() ? ModelContent{} : model_content(places_, model_);
  auto loader =
      folder ? family_.open(model_source(places_, *folder), setting_, ctx_)
             : folder.error();
  if (!loader) {
    fail_next(class_of(loader.error().code), loader.error(), news);
    return false;
  }
  std::uint64_t bytes = 0;
  for (const auto& c : (*loader)->components()) bytes += c.bytes;
  if (const auto reserved = queued_.front().assignment.memory_bytes;
      bytes > reserved) {
    fail_next(FailureClass::resource,
              {Errc::out_of_memory, "the model needs " + std::to_string(bytes) +
                                        " bytes; the job reserved " +
                                        std::to_string(reserved)},
              news);
    return false;
  }
  loader_ = *std::move(loader);
  remark_.clear();
  return true;
}

void HeldModel::fail_next(FailureClass klass, const Error& why,
                          DeviceNews& news) {
  news.ends.push_back(
      failed_attempt(queued_.front().assignment.token, klass, why));
  queued_.pop_front();
}

// To all that wait for it. The end of a load needs no word: what comes next
// has its own.
void HeldModel::tell_load(const LoadProgress& progress,
                          DeviceNews& news) const {
  if (progress.done()) return;
  for (const auto& [a, told] : queued_) {
    LiveEvent live{.job = a.token.job, .attempt = a.token.attempt};
    live.progress = progress_of(progress.loaded_bytes, progress.total_bytes,
                                Phase::loading, kBytesUnit);
    news.live.push_back(std::move(live));
  }
}

void HeldModel::step_load(DeviceNews& news) {
  auto progress = loader_->step();
  if (auto remark = loader_->remark(); !remark.empty() && remark != remark_)
    news.remarks.push_back(remark_ = std::move(remark));
  if (!progress) {
    close();
    fail_next(class_of(progress.error().code), progress.error(), news);
    return;
  }
  if (!progress->done()) return tell_load(*progress, news);
  engine_ = loader_->take();
  loader_.reset();
}

// Oldest first. A full engine leaves the rest queued until a run has ended.
void HeldModel::admit_queued(DeviceNews& news) {
  while (!queued_.empty() && !full_) {
    const auto& [next, told_full] = queued_.front();
    auto run =
        engine_->admit({next.spec.kind, next.spec.params, content_.hash});
    if (!run && run.error().code == Errc::out_of_memory && !running_.empty()) {
      full_ = true;
      break;
    }
    if (!run) {
      fail_next(class_of(run.error().code), run.error(), news);
      continue;
    }
    running_.emplace(*run, next.token);
    if (told_full)
      news.notes.push_back(
          {next.token, {std::string(kEngineRoomNote), "{}", ""}});
    queued_.pop_front();
  }
  if (full_) tell_full(news);
}

// Those who came last have not heard of it.
void HeldModel::tell_full(DeviceNews& news) {
  for (auto q = queued_.rbegin(); q != queued_.rend() && !q->told_full; ++q) {
    q->told_full = true;
    news.notes.push_back(
        {q->assignment.token, {std::string(kEngineFullNote), "{}", ""}});
  }
}

void HeldModel::apply(RunEvent event, DeviceNews& news) {
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

void HeldModel::list(std::vector<Token>& all) const {
  for (const auto& q : queued_) all.push_back(q.assignment.token);
  for (const auto& [run, token] : running_) all.push_back(token);
}

}  // namespace troupe
