#include "client/submit_queue.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "codec/msgpack.hpp"

namespace troupe::client {
namespace {

// {"jobs": [...]} with a 16-bit count, filled in when the batch is sealed: the
// jobs behind it are encoded once, in place.
constexpr std::string_view kPrefix{"\x81\xa4jobs\xdc\0\0", 9};
constexpr std::size_t kCountAt = 7;

constexpr SteadyMs kNever = std::numeric_limits<SteadyMs>::max();

void write_count(SubmitBatch& batch) {
  const auto n = batch.entries.size();
  batch.bytes[kCountAt] = static_cast<char>(n >> 8 & 0xff);
  batch.bytes[kCountAt + 1] = static_cast<char>(n & 0xff);
}

bool anybody_waits(const SubmitBatch& batch) {
  return std::any_of(batch.entries.begin(), batch.entries.end(),
                     [](const SubmitEntry& e) { return bool(e.done); });
}

void expire_in(SubmitBatch& batch, SteadyMs now_ms, Overdue& overdue) {
  if (batch.deadline_ms > now_ms) return;
  batch.deadline_ms = kNever;
  for (auto& entry : batch.entries) {
    if (!entry.done) continue;
    if (entry.deadline_ms <= now_ms)
      overdue.push_back(std::exchange(entry.done, nullptr));
    else
      batch.deadline_ms = std::min(batch.deadline_ms, entry.deadline_ms);
  }
}

}  // namespace

void complete(SubmitBatch batch, Result<SubmitReply> reply) noexcept {
  if (reply && reply->answers.size() != batch.entries.size())
    reply = Error{Errc::corrupt,
                  "the head answered " + std::to_string(reply->answers.size()) +
                      " of " + std::to_string(batch.entries.size()) +
                      " jobs of one message"};
  for (std::size_t i = 0; i < batch.entries.size(); ++i) {
    auto& entry = batch.entries[i];
    if (!entry.done) continue;
    if (!reply)
      entry.done(reply.error());
    else if (reply->answers[i].error)
      entry.done(*std::move(reply->answers[i].error));
    else
      entry.done(std::move(reply->answers[i]));
  }
}

Status SubmitQueue::add(const JobSpec& spec, SteadyMs deadline_ms,
                        SubmitCallback done) {
  if (waiting_jobs_ >= limits_.queue_jobs)
    return Error{
        .code = Errc::unavailable,
        .message = "queue_jobs: " + std::to_string(limits_.queue_jobs) +
                   " submits wait in this client already; wait for "
                   "answers, then go on",
        .retry_after_ms = 100};
  if (open_.entries.size() >= std::min(limits_.batch_jobs, limits_.window_jobs))
    seal();
  if (open_.entries.empty()) open_batch();
  const auto before = open_.bytes.size();
  append_msgpack(open_.bytes, spec);
  if (open_.bytes.size() > limits_.batch_bytes) {
    const auto job_bytes = open_.bytes.size() - before;
    if (job_bytes + kPrefix.size() > limits_.batch_bytes) {
      open_.bytes.resize(before);
      return Error{Errc::too_large,
                   "the job takes " + std::to_string(job_bytes) +
                       " bytes and a message at most " +
                       std::to_string(limits_.batch_bytes) +
                       "; upload large parameters and name them as inputs"};
    }
    auto job = open_.bytes.substr(before);
    open_.bytes.resize(before);
    seal();
    open_batch();
    open_.bytes += job;
  }
  open_.entries.push_back({spec.id, deadline_ms, std::move(done)});
  open_.deadline_ms = std::min(open_.deadline_ms, deadline_ms);
  ++waiting_jobs_;
  return ok();
}

void SubmitQueue::open_batch() {
  open_ = {};
  open_.deadline_ms = kNever;
  open_.bytes.reserve(4'096);
  open_.bytes = kPrefix;
}

void SubmitQueue::seal() {
  if (open_.entries.empty()) return;
  open_.number = ++last_number_;
  write_count(open_);
  sealed_.push_back(std::exchange(open_, {}));
}

bool SubmitQueue::can_send() const {
  auto jobs = open_.entries.size();
  if (!sealed_.empty())
    jobs = sealed_.front().entries.size();
  else if (sent_.size() >= limits_.partial_frames || 2 * jobs < sent_jobs_)
    return false;
  // A batch made under a larger window still goes out, by itself.
  return jobs > 0 &&
         (sent_jobs_ == 0 || sent_jobs_ + jobs <= limits_.window_jobs);
}

const SubmitBatch* SubmitQueue::next() {
  if (!can_send()) return nullptr;
  if (sealed_.empty()) seal();
  const auto jobs = sealed_.front().entries.size();
  waiting_jobs_ -= jobs;
  sent_jobs_ += jobs;
  const auto number = sealed_.front().number;
  auto& batch = sent_[number] = std::move(sealed_.front());
  sealed_.pop_front();
  return &batch;
}

std::optional<SubmitBatch> SubmitQueue::answered(std::uint64_t number) {
  auto node = sent_.extract(number);
  if (node.empty()) return std::nullopt;
  sent_jobs_ -= node.mapped().entries.size();
  return std::move(node.mapped());
}

void SubmitQueue::connection_lost() {
  while (!sent_.empty()) {
    auto node = sent_.extract(std::prev(sent_.end()));
    const auto jobs = node.mapped().entries.size();
    sent_jobs_ -= jobs;
    waiting_jobs_ += jobs;
    sealed_.push_front(std::move(node.mapped()));
  }
}

void SubmitQueue::send_again(std::uint64_t number) {
  auto batch = answered(number);
  if (!batch) return;
  waiting_jobs_ += batch->entries.size();
  const auto at = std::find_if(
      sealed_.begin(), sealed_.end(),
      [number](const SubmitBatch& b) { return b.number > number; });
  sealed_.insert(at, *std::move(batch));
}

void SubmitQueue::limit_window(std::uint32_t window_jobs) {
  if (window_jobs > 0)
    limits_.window_jobs = std::min(limits_.window_jobs, window_jobs);
}

Overdue SubmitQueue::expire(SteadyMs now_ms) {
  Overdue overdue;
  for (auto& [number, batch] : sent_) expire_in(batch, now_ms, overdue);
  for (auto& batch : sealed_) expire_in(batch, now_ms, overdue);
  if (!open_.entries.empty()) expire_in(open_, now_ms, overdue);
  std::erase_if(sealed_, [this](const SubmitBatch& batch) {
    if (anybody_waits(batch)) return false;
    waiting_jobs_ -= batch.entries.size();
    return true;
  });
  if (!open_.entries.empty() && !anybody_waits(open_)) {
    waiting_jobs_ -= open_.entries.size();
    open_ = {};
  }
  return overdue;
}

std::optional<SteadyMs> SubmitQueue::next_deadline() const {
  auto earliest = open_.entries.empty() ? kNever : open_.deadline_ms;
  for (const auto& batch : sealed_)
    earliest = std::min(earliest, batch.deadline_ms);
  for (const auto& [number, batch] : sent_)
    earliest = std::min(earliest, batch.deadline_ms);
  if (earliest == kNever) return std::nullopt;
  return earliest;
}

std::vector<SubmitBatch> SubmitQueue::drain() {
  seal();
  std::vector<SubmitBatch> all;
  for (auto& [number, batch] : sent_) all.push_back(std::move(batch));
  for (auto& batch : sealed_) all.push_back(std::move(batch));
  sent_.clear();
  sealed_.clear();
  waiting_jobs_ = sent_jobs_ = 0;
  return all;
}

}  // namespace troupe::client
