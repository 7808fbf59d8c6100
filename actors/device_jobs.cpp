#include "actors/device_jobs.hpp"

#include <algorithm>

namespace troupe {

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

void DeviceJobs::assign(Assignment assignment, DeviceNews& news) {
  const auto* family = family_of(assignment.spec);
  if (!family) {
    news.ends.push_back(failed_attempt(
        assignment.token, FailureClass::invalid,
        {Errc::unsupported, "no family here runs " + assignment.spec.kind}));
    return;
  }
  auto& model = model_for(*family, assignment);
  model.add(std::move(assignment));
}

HeldModel& DeviceJobs::model_for(const ModelFamily& family,
                                 const Assignment& a) {
  const auto setting_of = [&] {
    return family.setting_of({a.spec.kind, a.spec.params});
  };
  // Nobody's parameters are read where the ledger has named the setting.
  auto setting = a.resident.empty() ? setting_of() : std::string{};
  for (auto& model : models_)
    if (model->serves(family, a, setting)) return *model;
  if (!a.resident.empty()) setting = setting_of();
  models_.push_back(std::make_unique<HeldModel>(family, std::move(setting), a,
                                                places_, ctx_));
  return *models_.back();
}

void DeviceJobs::stop(const StopOrder& order, DeviceNews& news) {
  bool here = false;
  for (auto& model : models_) here |= model->stop(order.token);
  close_unused(news);
  if (here && order.reason != StopReason::fenced)
    news.ends.push_back({order.token, end_of(order.reason)});
}

bool DeviceJobs::has_step() const {
  return std::ranges::any_of(models_, &HeldModel::is_used);
}

void DeviceJobs::step(DeviceNews& news) {
  TROUPE_ASSERT(has_step());
  // The one that steps goes to the end: all have their turn.
  const auto next = std::ranges::find_if(models_, &HeldModel::is_used);
  std::rotate(next, next + 1, models_.end());
  auto& model = *models_.back();
  if (!model.is_open()) close_uncounted(model);
  model.step(news);
  close_unused(news);
}

void DeviceJobs::close_uncounted(const HeldModel& next) {
  std::erase_if(models_, [&](const auto& model) {
    return model.get() != &next && !model->is_used() &&
           model->resident().empty();
  });
}

void DeviceJobs::drop(const ModelDrop& drop, DeviceNews& news) {
  drops_.push_back(drop);
  close_unused(news);
}

void DeviceJobs::close_unused(DeviceNews& news) {
  std::erase_if(drops_, [&](const ModelDrop& drop) {
    const auto model =
        std::ranges::find(models_, drop.model, &HeldModel::resident);
    if (model != models_.end() && (*model)->is_used()) return false;
    if (model != models_.end()) models_.erase(model);
    news.dropped.push_back(drop);
    return true;
  });
  std::erase_if(models_, [&](const auto& model) {
    // Nobody waits for the load any more, or it failed for all.
    if (model->is_used() || (model->is_open() && !model->is_loading()))
      return false;
    if (!model->resident().empty()) news.dropped.push_back(model->as_drop());
    return true;
  });
}

std::vector<Token> DeviceJobs::tokens() const {
  std::vector<Token> here;
  for (const auto& model : models_) model->list(here);
  return here;
}

}  // namespace troupe
