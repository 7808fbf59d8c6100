#include "apps/job_lines.hpp"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "apps/job_options.hpp"
#include "apps/render/json.hpp"

namespace troupe {
namespace {

/// Answers under way; a reader beyond it waits.
constexpr std::size_t kMaxOpen = 8'192;

struct Slot {
  std::optional<Json> answer;
  ExitCode code = ExitCode::ok;
};

/// Answers in the order of the questions, whoever is ready first. Shared with
/// callbacks on the client's thread.
class Answers {
 public:
  /// Waits while too many are open.
  std::shared_ptr<Slot> open() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return slots_.size() < kMaxOpen; });
    slots_.push_back(std::make_shared<Slot>());
    return slots_.back();
  }

  void answer(const std::shared_ptr<Slot>& slot, Json json, ExitCode code) {
    std::lock_guard lock{mutex_};
    slot->answer = std::move(json);
    slot->code = code;
    changed_.notify_all();
  }

  /// No more will be opened.
  void close() {
    std::lock_guard lock{mutex_};
    closed_ = true;
    changed_.notify_all();
  }

  /// The next one in order; nothing when closed and all are taken.
  std::optional<Slot> take() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] {
      return slots_.empty() ? closed_ : slots_.front()->answer.has_value();
    });
    if (slots_.empty()) return {};
    auto slot = std::move(*slots_.front());
    slots_.pop_front();
    changed_.notify_all();
    return slot;
  }

  bool is_empty() {
    std::lock_guard lock{mutex_};
    return slots_.empty();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Slot>> slots_;
  bool closed_ = false;
};

std::pair<Json, ExitCode> refusal(std::optional<JobId> id, std::uint64_t line,
                                  const Error& error) {
  Json json = Json::object();
  if (id && *id) json["id"] = to_string(*id);
  json["line"] = line;
  json["error"] = render::error(error);
  return {json, exit_code(error.code)};
}

class LineSubmitter {
 public:
  LineSubmitter(client::Client& client, const Kinds& kinds, Answers& answers)
      : client_{client}, kinds_{kinds}, answers_{answers} {}

  void submit(const std::string& text) {
    ++line_;
    if (text.find_first_not_of(" \t\r") == text.npos) return;
    auto slot = answers_.open();
    auto spec = job_from_json(text, kinds_);
    if (!spec) {
      auto [json, code] = refusal({}, line_, spec.error());
      answers_.answer(slot, std::move(json), ExitCode::usage);
      return;
    }
    if (!spec->id) spec->id = client_.new_id();
    send(*std::move(spec), slot);
  }

 private:
  void send(JobSpec spec, const std::shared_ptr<Slot>& slot) {
    const auto id = spec.id;
    const auto line = line_;
    auto& answers = answers_;
    auto sent = client_.submit_async(
        std::move(spec), [&answers, slot, id, line](Result<SubmitAnswer> got) {
          if (!got || got->error) {
            auto [json, code] =
                refusal(id, line, got ? *got->error : got.error());
            return answers.answer(slot, std::move(json), code);
          }
          answers.answer(slot, render::submitted(*got), ExitCode::ok);
        });
    if (sent) return;
    auto [json, code] = refusal(id, line, sent.error());
    answers_.answer(slot, std::move(json), code);
  }

  client::Client& client_;
  const Kinds& kinds_;
  Answers& answers_;
  std::uint64_t line_ = 0;
};

}  // namespace

ExitCode submit_lines(client::Client& client, const Kinds& kinds,
                      std::istream& in, std::ostream& out) {
  // Reading must not flush what another thread prints: lines came out twice.
  auto* const tied = in.tie(nullptr);
  Answers answers;
  auto worst = ExitCode::ok;
  std::thread printer{[&] {
    while (auto slot = answers.take()) {
      out << dump_json(*slot->answer) << '\n';
      if (answers.is_empty()) out.flush();
      if (worst == ExitCode::ok) worst = slot->code;
    }
    out.flush();
  }};
  LineSubmitter submitter{client, kinds, answers};
  std::string line;
  while (std::getline(in, line)) submitter.submit(line);
  answers.close();
  printer.join();
  in.tie(tied);
  return worst;
}

}  // namespace troupe
