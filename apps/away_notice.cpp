#include "apps/away_notice.hpp"

#include <utility>

namespace troupe {

bool means_away(const Error& error) {
  return error.code == Errc::unavailable || error.code == Errc::timeout;
}

AwayNotice::AwayNotice(Ask ask, Say say, const SteadyClock& clock)
    : ask_{std::move(ask)},
      say_{std::move(say)},
      clock_{clock},
      heard_ms_{clock.now()} {}

AwayNotice::AwayNotice(client::Client& client, Say say)
    : AwayNotice{
          [&client](std::int64_t wait_ms) { return client.ping(wait_ms); },
          std::move(say)} {}

void AwayNotice::heard() {
  heard_ms_ = clock_.now();
  if (std::exchange(told_, false)) say_("the node is back");
}

bool AwayNotice::is_silent() const {
  return clock_.now() - heard_ms_ >= kAskAfterMs;
}

bool AwayNotice::answers(std::int64_t wait_ms) {
  const auto answer = ask_(wait_ms);
  const bool is_there = answer || !means_away(answer.error());
  if (is_there)
    heard();
  else
    heard_ms_ = clock_.now();
  return is_there;
}

void AwayNotice::tell() {
  if (!std::exchange(told_, true)) say_("the node is away; waiting for it");
}

void AwayNotice::step(bool brought_something) {
  if (brought_something)
    heard();
  else if (is_silent() && !answers())
    tell();
}

AwayNotice::Say says_to(std::ostream& err) {
  return [&err](const std::string& text) { err << text << "\n" << std::flush; };
}

}  // namespace troupe
