// The node that a command works with until it is done: the one that serves its
// data folder or, where none does, one of its own, which goes when the command
// does. Outlives nodes that go away. Knows nothing of what is asked there.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "apps/away_notice.hpp"
#include "apps/node_use.hpp"
#include "apps/own_node.hpp"
#include "apps/session.hpp"
#include "core/clock.hpp"

namespace troupe {

class JobNode {
 public:
  struct Options {
    std::string what;  // A node is started for: "this job".
    AwayNotice::Say say;
    /// Asked while a node is waited for: whether to wait no longer.
    std::function<bool()> gives_up;
    /// Asked before a node is started for it: whether it would refuse what is
    /// wanted of it. Empty: nothing is known of that.
    std::function<Status()> refuses = {};
  };

  /// `session` outlives it.
  JobNode(Session& session, Options options)
      : session_{session}, options_{std::move(options)} {}
  /// Gives the node back; the last command to do so sees it end.
  ~JobNode();
  JobNode(const JobNode&) = delete;
  JobNode& operator=(const JobNode&) = delete;

  /// Once, before all else. Errors: those of Session::client() and of a node
  /// that was started and ended; that of `refuses`.
  Result<client::Client*> connect();
  /// Whether connect() failed because folder or configuration are wrong, so
  /// that no node can be.
  bool misused() const { return misused_; }
  /// Whether the node stays only for those commands that work with it.
  bool leaves_with_us() const { return static_cast<bool>(use_); }

  /// `call(wait_ms)` again and again while the node it needs changes hands, for
  /// a minute.
  template <class Call>
  auto ask(Call call) -> decltype(call(std::int64_t{}));

  /// Takes every batch of the job's events, an empty one when there was none
  /// for kInterruptStepMs; and whether the job has ended with it. False:
  /// enough.
  using Take = std::function<bool(const PullReply&, bool)>;
  /// From the first event to the job's end. Errors: those of
  /// client::Follower::next(), and of a node that ends again and again.
  Status follow(JobId job, const Take& take);

 private:
  static constexpr std::int64_t kPatienceMs = 60'000;

  Status start();
  Result<client::Client*> wait();
  void use();
  Status keep();
  std::filesystem::path data_path() const;
  static void pause(int ms);

  Session& session_;
  const Options options_;
  NodeUse use_;
  std::unique_ptr<OwnNode> node_;
  client::Client* client_ = nullptr;
  std::optional<AwayNotice> away_;  // Once there is a client.
  bool misused_ = false;
  int starts_ = 0;
};

template <class Call>
auto JobNode::ask(Call call) -> decltype(call(std::int64_t{})) {
  const auto until = system_steady_clock().now() + kPatienceMs;
  for (;;) {
    auto answer = call(AwayNotice::kAskAfterMs);
    if (answer || !means_away(answer.error()) ||
        system_steady_clock().now() > until || options_.gives_up())
      return answer;
    if (auto there = keep(); !there) return there.error();
    pause(50);
  }
}

}  // namespace troupe
