#include "client/client.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "client/answers.hpp"
#include "client/ask.hpp"
#include "client/connection.hpp"
#include "client/media_type.hpp"
#include "client/pull_loop.hpp"
#include "client/upload.hpp"
#include "platform/file.hpp"
#include "platform/sha256.hpp"

namespace troupe::client {
namespace {

// Jobs asked for at a time. Their answer must fit a frame: where it does not,
// half as many are asked for.
constexpr std::size_t kShowJobs = 64;
constexpr std::size_t kCancelJobs = 256;
constexpr std::int64_t kHoldMs = 10'000;

class FollowerOfLoop : public Follower {
 public:
  explicit FollowerOfLoop(std::shared_ptr<PullLoop> loop)
      : loop_{std::move(loop)} {}
  ~FollowerOfLoop() override { loop_->stop(); }
  Result<FollowBatch> next(std::int64_t timeout_ms) override {
    return loop_->take(timeout_ms);
  }
  bool finished() const override { return loop_->finished(); }

 private:
  std::shared_ptr<PullLoop> loop_;  // Shared with the pull under way.
};

class SubscriptionOfLoop : public Subscription {
 public:
  explicit SubscriptionOfLoop(std::shared_ptr<PullLoop> loop)
      : loop_{std::move(loop)} {}
  ~SubscriptionOfLoop() override { loop_->stop(); }

 private:
  std::shared_ptr<PullLoop> loop_;  // As above.
};

Error still_running(const std::string& what, std::int64_t timeout_ms) {
  return {Errc::timeout, what + " not ended after " +
                             std::to_string(timeout_ms) +
                             " ms; waiting again is safe"};
}

}  // namespace

struct Client::State {
  explicit State(std::unique_ptr<Connection> c) : connection{std::move(c)} {}

  Result<std::shared_ptr<PullLoop>> start(FollowOptions options,
                                          FollowCallback callback) {
    if (options.from_now && connection->on_own_thread())
      return blocking_call_in_callback();
    auto loop = std::make_shared<PullLoop>(*connection, options);
    if (callback)
      loop->start_calling(std::move(callback));
    else
      loop->start();
    const auto timeout_ms =
        connection->timeout_or_default(options.start_timeout_ms);
    if (auto good = loop->wait_for_start(timeout_ms); !good) {
      loop->stop();
      return good.error();
    }
    return loop;
  }

  std::unique_ptr<Connection> connection;
  std::mutex ids_mutex;
  std::unique_ptr<Random> random = system_random();
  JobIdGenerator ids{system_wall_clock(), *random};
};

Result<std::unique_ptr<Client>> Client::connect(Options options) {
  auto connection = Connection::open(std::move(options));
  if (!connection) return connection.error();
  return std::unique_ptr<Client>(
      new Client(std::make_unique<State>(*std::move(connection))));
}

Client::Client(std::unique_ptr<State> state) : state_{std::move(state)} {}
Client::~Client() = default;

JobId Client::new_id() {
  std::lock_guard lock{state_->ids_mutex};
  return state_->ids.next();
}

Stats Client::stats() const {
  return state_->connection->stats();
}

// -- submit -------------------------------------------------------------------

Result<SubmitAnswer> Client::submit(JobSpec spec, std::int64_t timeout_ms) {
  auto& connection = *state_->connection;
  if (connection.on_own_thread()) return blocking_call_in_callback();
  if (!spec.id) spec.id = new_id();
  // Shared with the callback, which may come after this call gave up.
  auto slot = std::make_shared<Slot<Result<SubmitAnswer>>>();
  auto sent = connection.submit(
      spec, timeout_ms,
      [slot](Result<SubmitAnswer> answer) { slot->put(std::move(answer)); });
  if (!sent) return sent.error();
  auto answer =
      slot->take_until(give_up_at(connection.timeout_or_default(timeout_ms)));
  return answer ? *std::move(answer) : blocked_connection();
}

Result<std::vector<SubmitAnswer>> Client::submit_many(
    std::vector<JobSpec> specs, std::int64_t timeout_ms) {
  auto& connection = *state_->connection;
  if (connection.on_own_thread()) return blocking_call_in_callback();
  if (specs.empty()) return std::vector<SubmitAnswer>{};
  const auto give_up = give_up_at(connection.timeout_or_default(timeout_ms));
  auto answers = std::make_shared<Answers>(specs.size());  // As in submit().
  for (std::size_t i = 0; i < specs.size(); ++i) {
    auto& spec = specs[i];
    if (!spec.id) spec.id = new_id();
    const auto put = [answers, i, id = spec.id](Result<SubmitAnswer> answer) {
      answers->put(i, std::move(answer), id);
    };
    auto sent = connection.submit(spec, timeout_ms, put);
    // Full: what was sent makes room as it is answered.
    while (!sent && sent.error().code == Errc::unavailable &&
           std::chrono::steady_clock::now() < give_up - kGrace) {
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
      sent = connection.submit(spec, timeout_ms, put);
    }
    if (!sent) put(sent.error());
  }
  auto all = answers->take_until(give_up);
  if (!all) return blocked_connection();
  return *std::move(all);
}

Result<JobId> Client::submit_async(JobSpec spec, SubmitCallback done) {
  if (!spec.id) spec.id = new_id();
  auto sent = state_->connection->submit(spec, 0, std::move(done));
  if (!sent) return sent.error();
  return spec.id;
}

// -- wait and follow ----------------------------------------------------------

Result<JobView> Client::wait(JobId job, std::int64_t timeout_ms) {
  auto& connection = *state_->connection;
  const auto deadline = system_steady_clock().now() + timeout_ms;
  auto view = show(job);
  PullRequest pull;
  pull.job = job;
  pull.ends_only = true;
  while (view && !is_terminal(view->state)) {
    const auto left = deadline - system_steady_clock().now();
    if (left <= 0)
      return still_running("job " + to_string(job) + " has", timeout_ms);
    pull.after_seq = std::max(pull.after_seq, view->seq);
    pull.wait_ms = std::min(left, kHoldMs);
    auto events =
        ask(connection, pull, pull.wait_ms + connection.options().timeout_ms);
    if (!events && events.error().code != Errc::timeout) return events.error();
    bool ended = false;
    if (events)
      for (const auto& entry : events->entries) {
        pull.after_seq = std::max(pull.after_seq, entry.change.seq);
        ended = ended || entry.change.type == ChangeType::ended;
      }
    if (ended) view = show(job);
  }
  return view;
}

Result<std::vector<ShowAnswer>> Client::wait_many(std::vector<JobId> jobs,
                                                  std::int64_t timeout_ms) {
  const auto deadline = system_steady_clock().now() + timeout_ms;
  // First where "now" is, then how they stand: no end falls between.
  auto follower = follow({.from_now = true, .ends_only = true});
  if (!follower) return follower.error();
  auto answers = show_many(jobs);
  if (!answers) return answers;
  std::unordered_map<JobId, std::vector<std::size_t>> open;
  for (std::size_t i = 0; i < answers->size(); ++i)
    if ((*answers)[i].job && !is_terminal((*answers)[i].job->state))
      open[jobs[i]].push_back(i);
  std::vector<std::size_t> ended;
  while (!open.empty()) {
    const auto left = deadline - system_steady_clock().now();
    if (left <= 0)
      return still_running(std::to_string(open.size()) + " of " +
                               std::to_string(jobs.size()) + " jobs have",
                           timeout_ms);
    auto batch = (*follower)->next(left);
    if (!batch) return batch.error();
    for (const auto& entry : batch->entries) {
      const auto it = open.find(entry.change.job);
      if (it == open.end()) continue;
      ended.insert(ended.end(), it->second.begin(), it->second.end());
      open.erase(it);
    }
  }
  std::vector<JobId> to_show;
  for (const auto i : ended) to_show.push_back(jobs[i]);
  auto views = show_many(std::move(to_show));
  if (!views) return views;
  for (std::size_t i = 0; i < ended.size(); ++i)
    (*answers)[ended[i]] = std::move((*views)[i]);
  return answers;
}

Result<std::unique_ptr<Follower>> Client::follow(FollowOptions options) {
  auto loop = state_->start(options, nullptr);
  if (!loop) return loop.error();
  return std::unique_ptr<Follower>(
      std::make_unique<FollowerOfLoop>(*std::move(loop)));
}

Result<std::unique_ptr<Subscription>> Client::subscribe(
    FollowOptions options, FollowCallback callback) {
  auto loop = state_->start(options, std::move(callback));
  if (!loop) return loop.error();
  return std::unique_ptr<Subscription>(
      std::make_unique<SubscriptionOfLoop>(*std::move(loop)));
}

// -- ask and order ------------------------------------------------------------

Result<JobView> Client::show(JobId job, std::int64_t timeout_ms) {
  auto answers = show_many({job}, timeout_ms);
  if (!answers) return answers.error();
  auto& answer = answers->front();
  if (answer.job) return *std::move(answer.job);
  if (answer.error) return *std::move(answer.error);
  return unknown_job(job);
}

Result<std::vector<ShowAnswer>> Client::show_many(std::vector<JobId> jobs,
                                                  std::int64_t timeout_ms) {
  std::vector<ShowAnswer> answers;
  auto at_once = kShowJobs;
  while (answers.size() < jobs.size()) {
    const auto first =
        jobs.begin() + static_cast<std::ptrdiff_t>(answers.size());
    const auto count = std::min(at_once, jobs.size() - answers.size());
    ShowRequest request;
    request.jobs.assign(first, first + static_cast<std::ptrdiff_t>(count));
    auto reply = ask(*state_->connection, request, timeout_ms);
    if (!reply && reply.error().code == Errc::too_large && count > 1) {
      at_once = count / 2;
      continue;
    }
    if (!reply) return reply.error();
    // A head may answer fewer at a time, never more.
    if (reply->answers.empty() || reply->answers.size() > count)
      return Error{Errc::corrupt, "the head answered " +
                                      std::to_string(reply->answers.size()) +
                                      " of " + std::to_string(count) + " jobs"};
    for (auto& answer : reply->answers) answers.push_back(std::move(answer));
  }
  return answers;
}

Result<ListReply> Client::list(ListRequest request, std::int64_t timeout_ms) {
  return ask(*state_->connection, request, timeout_ms);
}

Result<CancelAnswer> Client::cancel(JobId job, std::int64_t timeout_ms) {
  auto answers = cancel_many({job}, timeout_ms);
  if (!answers) return answers.error();
  if (answers->front().error) return *std::move(answers->front().error);
  return std::move(answers->front());
}

Result<std::vector<CancelAnswer>> Client::cancel_many(std::vector<JobId> jobs,
                                                      std::int64_t timeout_ms) {
  std::vector<CancelAnswer> answers;
  for (std::size_t i = 0; i < jobs.size(); i += kCancelJobs) {
    CancelRequest request;
    const auto end = std::min(jobs.size(), i + kCancelJobs);
    request.jobs.assign(jobs.begin() + static_cast<std::ptrdiff_t>(i),
                        jobs.begin() + static_cast<std::ptrdiff_t>(end));
    auto reply = ask(*state_->connection, request, timeout_ms);
    if (!reply) return reply.error();
    if (reply->answers.size() != request.jobs.size())
      return Error{Errc::corrupt, "the head did not answer every job"};
    for (auto& answer : reply->answers) answers.push_back(std::move(answer));
  }
  return answers;
}

Result<ExplainReply> Client::explain(JobId job, std::int64_t timeout_ms) {
  ExplainRequest request;
  request.job = job;
  return ask(*state_->connection, request, timeout_ms);
}

Result<NodeStatus> Client::status(std::int64_t timeout_ms) {
  return ask(*state_->connection, StatusRequest{}, timeout_ms);
}

Status Client::ping(std::int64_t timeout_ms,
                    const std::function<bool()>& gives_up) {
  auto& connection = *state_->connection;
  if (connection.on_own_thread()) return blocking_call_in_callback();
  Pending<Hello> pending{connection, Hello{},
                         connection.timeout_or_default(timeout_ms)};
  if (gives_up && !pending.wait_unless(gives_up))
    return Error{Errc::timeout, "the answer was waited for no longer"};
  auto reply = pending.take();
  if (!reply) return reply.error();
  return ok();
}

Result<ControlReply> Client::control(ControlRequest request,
                                     std::int64_t timeout_ms) {
  return ask(*state_->connection, request, timeout_ms);
}

Status Client::backup(const std::string& folder, std::int64_t timeout_ms) {
  auto reply =
      ask(*state_->connection, BackupRequest{folder}, timeout_ms, false);
  if (!reply) return reply.error();
  return ok();
}

// -- files --------------------------------------------------------------------

Result<ArtifactRef> Client::upload(const std::filesystem::path& file,
                                   const UploadOptions& options) {
  auto fd = platform::open_read(file);
  if (!fd) return fd.error();
  auto size = platform::file_size(fd->get());
  if (!size) return size.error();
  auto sha256 = platform::sha256_file(file);
  if (!sha256) return sha256.error();
  ArtifactRef what;
  what.name = options.name.empty() ? file.filename().string() : options.name;
  what.sha256 = *std::move(sha256);
  what.bytes = *size;
  what.media_type = options.media_type.empty()
                        ? std::string(media_type_of(what.name))
                        : options.media_type;
  return client::upload(
      *state_->connection, std::move(what),
      [&fd](std::uint64_t offset, std::size_t limit) {
        return platform::read_at(fd->get(), offset, limit);
      },
      options);
}

Result<ArtifactRef> Client::upload_bytes(std::string_view bytes,
                                         const UploadOptions& options) {
  if (options.name.empty())
    return Error{Errc::invalid_argument, "bytes need a name to be uploaded"};
  ArtifactRef what;
  what.name = options.name;
  what.sha256 = platform::sha256_hex(bytes);
  what.bytes = bytes.size();
  what.media_type = options.media_type.empty()
                        ? std::string(media_type_of(what.name))
                        : options.media_type;
  return client::upload(
      *state_->connection, std::move(what),
      [bytes](std::uint64_t offset, std::size_t limit) -> Result<std::string> {
        return std::string(
            bytes.substr(std::min<std::uint64_t>(offset, bytes.size()), limit));
      },
      options);
}

Result<std::unique_ptr<ArtifactReader>> Client::open(const std::string& sha256,
                                                     std::int64_t timeout_ms) {
  DownloadChunk request;
  request.sha256 = sha256;
  request.max_bytes = 1;  // Only for total_bytes.
  auto reply = ask(*state_->connection, request, timeout_ms);
  if (!reply) return reply.error();
  return std::make_unique<ArtifactReader>(*state_->connection, sha256,
                                          reply->total_bytes, timeout_ms);
}

}  // namespace troupe::client
