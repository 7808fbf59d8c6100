// What a command that waits says of its node: once that it is away and, when
// it answers again, once that it is back. How long to wait is the command's
// own business.
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

#include "client/client.hpp"
#include "core/clock.hpp"

namespace troupe {

/// Whether nobody answered, which may pass.
bool means_away(const Error& error);

class AwayNotice {
 public:
  /// A question that the node answers at once, within so many milliseconds.
  using Ask = std::function<Status(std::int64_t wait_ms)>;
  using Say = std::function<void(const std::string& text)>;

  /// Of silence; then the node is asked, and has so long to answer.
  static constexpr std::int64_t kAskAfterMs = 3'000;
  static constexpr std::int64_t kAnswerMs = 2'000;

  AwayNotice(Ask ask, Say say,
             const SteadyClock& clock = system_steady_clock());
  /// `client` outlives it.
  AwayNotice(client::Client& client, Say say);

  /// Something came from the node just now.
  void heard();
  /// Nothing was heard for a while, and the node was not asked either.
  bool is_silent() const;
  /// Asks the node. One that refuses to answer is there.
  bool answers(std::int64_t wait_ms = kAnswerMs);
  /// There was no answer.
  void tell();

  /// All of it, for a loop that takes step after step: whether this one
  /// brought something.
  void step(bool brought_something);

 private:
  const Ask ask_;
  const Say say_;
  const SteadyClock& clock_;
  SteadyMs heard_ms_;  // Or asked.
  bool told_ = false;
};

/// A line of its own in `err`, which outlives what it returns.
AwayNotice::Say says_to(std::ostream& err);

}  // namespace troupe
