#include "cluster/worker_news.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "actors/event_rings.hpp"

namespace troupe::cluster {
namespace {

// Of a frame; what is left is for names and numbers around the lists.
constexpr std::size_t kNewsBytes = kMaxFrameBytes - 8 * 1024;
constexpr std::size_t kTokenBytes = 64;
constexpr std::size_t kMaxAlive = 128;

std::size_t end_bytes(const AttemptEnd& end) {
  return kTokenBytes + 16 + wire_bytes(end.end);
}

}  // namespace

void WorkerNews::ended(AttemptEnd end) {
  if (const auto bytes = end_bytes(end); bytes > kNewsBytes - kTokenBytes) {
    end.end = JobEnd{};
    end.end.state = JobState::failed;
    end.end.failure =
        Failure{FailureClass::invalid,
                "result_too_large",
                "the end of the attempt takes " + std::to_string(bytes) +
                    " bytes, over the " + std::to_string(kNewsBytes) +
                    " that a frame has room for: put results into files",
                {}};
  }
  ended_.push_back(std::move(end));
}

void WorkerNews::dropped(const std::vector<ModelDrop>& drops) {
  dropped_.insert(dropped_.end(), drops.begin(), drops.end());
}

void WorkerNews::live(std::vector<LiveEvent> events) {
  for (auto& event : events) {
    if (wire_bytes(event) <= kNewsBytes)
      live_.push_back(std::move(event));
    else
      ++live_dropped_;
  }
  while (live_.size() > max_live_) {
    live_.pop_front();
    ++live_dropped_;
  }
}

void WorkerNews::alive(const std::vector<Token>& tokens) {
  for (const auto& token : tokens)
    if (std::ranges::find(alive_, token) == alive_.end())
      alive_.push_back(token);
}

void WorkerNews::clear() {
  ended_.clear();
  dropped_.clear();
  live_.clear();
  alive_.clear();
}

WorkerExchange WorkerNews::take() {
  WorkerExchange out;
  const auto alive = std::min(alive_.size(), kMaxAlive);
  out.alive.assign(alive_.end() - static_cast<std::ptrdiff_t>(alive),
                   alive_.end());
  alive_.resize(alive_.size() - alive);
  std::size_t bytes = alive * kTokenBytes;
  for (; !live_.empty(); live_.pop_front()) {
    bytes += wire_bytes(live_.front());
    if (bytes > kNewsBytes) return out;
    out.live.push_back(std::move(live_.front()));
  }
  for (; !ended_.empty(); ended_.pop_front()) {
    bytes += end_bytes(ended_.front());
    if (bytes > kNewsBytes) return out;
    out.ended.push_back(std::move(ended_.front()));
  }
  for (; !dropped_.empty(); dropped_.pop_front()) {
    bytes += wire_bytes(dropped_.front());
    if (bytes > kNewsBytes) return out;
    out.dropped.push_back(std::move(dropped_.front()));
  }
  return out;
}

}  // namespace troupe::cluster
