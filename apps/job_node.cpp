#include "apps/job_node.hpp"

#include <poll.h>

#include "apps/interrupt.hpp"
#include "apps/local_files.hpp"
#include "cluster/client_folder.hpp"

namespace troupe {
namespace {

constexpr int kOtherNodeMs = 500;
constexpr int kMaxStarts = 5;

}  // namespace

JobNode::~JobNode() {
  if (!use_) return;
  use_ = NodeUse{};
  const bool ours = node_ && node_->is_running();
  node_.reset();
  if (!ours) OwnNode::see_off(data_path());
}

Result<client::Client*> JobNode::connect() {
  if (OwnNode::marked(data_path())) use();
  auto client = session_.client();
  if (!client && session_.no_node() &&
      !cluster::is_client_folder(data_path())) {
    if (auto started = start(); !started) return started.error();
    client = wait();
  }
  if (!client) return client;
  client_ = *client;
  away_.emplace(
      [this](std::int64_t wait_ms) {
        return client_->ping(wait_ms, options_.gives_up);
      },
      options_.say);
  return client;
}

Status JobNode::start() {
  auto data = session_.data();
  if (!data) return data.error();
  if (options_.refuses)
    if (auto good = options_.refuses(); !good) return good;
  options_.say("no node runs on " + data->path.string() +
               "; starting one for " + options_.what);
  if (auto made = make_named_folder(data->path, true); !made) {
    misused_ = made.error().code == Errc::invalid_argument;
    return made;
  }
  use();
  auto node = OwnNode::start(data->path);
  if (!node) return node.error();
  node_ = *std::move(node);
  return ok();
}

Result<client::Client*> JobNode::wait() {
  const auto until = system_steady_clock().now() + kPatienceMs;
  for (;;) {
    auto client = session_.client();
    if (client || !means_away(client.error())) return client;
    if (system_steady_clock().now() > until || options_.gives_up())
      return client;
    pause(50);
    // Another command may have been quicker: then its node serves us soon, or
    // it is leaving and ours comes next.
    if (node_->is_running()) continue;
    if (auto end = node_->end(); end.error.code != Errc::locked) {
      misused_ = end.misuse;
      end.error.message = "the node that was started for " + options_.what +
                          " ended: " + end.error.message;
      return end.error;
    }
    pause(kOtherNodeMs);
    auto again = OwnNode::start(data_path());
    if (!again) return again.error();
    node_ = *std::move(again);
  }
}

/// Before it is asked for anything: from now on it stays for us.
void JobNode::use() {
  if (!use_) use_ = NodeUse::take(data_path(), kPatienceMs);
}

/// A node that another command started may be killed: then ours takes over.
Status JobNode::keep() {
  if (node_ && !node_->is_running()) node_.reset();  // Another serves us.
  if (node_ || away_->answers() || options_.gives_up()) return ok();
  if (!OwnNode::marked(data_path())) {
    away_->tell();
    return ok();
  }
  if (++starts_ > kMaxStarts)
    return Error{Errc::unavailable, "the node of " + options_.what +
                                        " ends again and again; see "
                                        "own-node.log in its folder"};
  return start();
}

Status JobNode::follow(JobId job, const Take& take) {
  client::FollowOptions how;
  how.job = job;
  how.live = true;
  auto follower = client_->follow(how);
  if (!follower) return follower.error();
  away_->heard();
  while (!(*follower)->finished()) {
    auto batch = (*follower)->next(kInterruptStepMs);
    if (!batch) return batch.error();
    if (!batch->entries.empty() || !batch->live.empty()) away_->heard();
    if (!take(*batch, (*follower)->finished())) return ok();
    // Who leaves looks for no node any more: that takes its time.
    if (options_.gives_up() || !away_->is_silent()) continue;
    if (auto there = keep(); !there) return there;
  }
  return ok();
}

std::filesystem::path JobNode::data_path() const {
  auto data = session_.data();
  return data ? data->path : std::filesystem::path{};
}

void JobNode::pause(int ms) {
  ::poll(nullptr, 0, ms);
}

}  // namespace troupe
