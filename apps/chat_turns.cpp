#include "apps/chat_turns.hpp"

#include "apps/fetching.hpp"
#include "apps/submitting.hpp"

namespace troupe {
namespace {

constexpr std::int64_t kCancelMs = 5'000;

}  // namespace

ChatTurns::ChatTurns(Invocation& call)
    : call_{call},
      terminal_{call.session.terminal},
      node_{call.session,
            {"this chat",
             [this](const std::string& text) {
               clear_bar();
               terminal_.err << text << "\n" << std::flush;
             },
             [this] { return interrupts_.count() > obeyed_; }}} {}

ExitCode ChatTurns::connect() {
  auto client = node_.connect();
  if (!client)
    return node_.misused() ? call_.misused(client.error())
                           : call_.fail(client.error());
  client_ = *client;
  return ExitCode::ok;
}

ChatAnswer ChatTurns::ask(const JobOptions& question) {
  text_ = {};
  cancelling_ = false;
  obeyed_ = interrupts_.count();
  auto draft = draft_of(call_, question);
  if (!draft) return no_answer({}, draft.error(), ExitCode::usage);
  // What is too long for a message goes as a file.
  auto prepared = prepare_job(call_, *std::move(draft));
  if (!prepared)
    return no_answer({}, prepared.error(), exit_code(prepared.error().code));
  auto& spec = *prepared;
  // Asked again with the same id it is the same job.
  auto accepted = node_.ask(
      [&](std::int64_t wait_ms) { return client_->submit(spec, wait_ms); });
  if (!accepted)
    return no_answer(spec.id, accepted.error(),
                     exit_code(accepted.error().code));
  if (accepted->error)
    return no_answer({}, *accepted->error, exit_code(accepted->error->code));
  JobWatch watch{accepted->state};
  const auto followed =
      node_.follow(spec.id, [&](const PullReply& batch, bool) {
        show(watch, batch);
        obey_interrupts(spec.id);
        return !left_;
      });
  clear_bar();
  auto answer = followed ? end(spec.id)
                         : no_answer(spec.id, followed.error(),
                                     exit_code(followed.error().code));
  if (answer.cut || answer.error) print(text_.has_shown() ? "\n" : "");
  return answer;
}

ChatAnswer ChatTurns::end(JobId id) {
  if (left_) {
    ChatAnswer answer{.job = id, .text = text_.shown()};
    answer.cut = true;
    return answer;
  }
  auto job = node_.ask(
      [&](std::int64_t wait_ms) { return client_->show(id, wait_ms); });
  if (!job) return no_answer(id, job.error(), exit_code(job.error().code));
  if (job->state != JobState::succeeded)
    return answer_of(*job, "", text_.shown());
  auto whole =
      node_.ask([&](std::int64_t) { return whole_result(*client_, *job); });
  if (!whole)
    return no_answer(id, whole.error(), exit_code(whole.error().code));
  print(text_.rest(*whole));
  return answer_of(*job, *whole, text_.shown());
}

/// Until the first piece of text a bar, where people watch.
void ChatTurns::show(JobWatch& watch, const PullReply& batch) {
  for (const auto& event : batch.live) print(text_.take(event));
  const auto wall = system_wall_clock().now();
  for (const auto& line : watch.apply(batch, wall, WatchLines::repeats)) {
    clear_bar();
    if (text_.has_shown() && !call_.json && terminal_.out_is_terminal)
      terminal_.out << "\n" << std::flush;
    terminal_.err << line << "\n" << std::flush;
  }
  if (!terminal_.draws_bars || call_.json || text_.has_shown()) return;
  clear_bar();
  terminal_.err << watch.line(
                       {terminal_.columns, terminal_.colour, terminal_.unicode},
                       wall)
                << std::flush;
  bar_shown_ = true;
}

void ChatTurns::print(const std::string& text) {
  if (text.empty() || call_.json) return;
  clear_bar();
  terminal_.out << text_for(text, terminal_.out_is_terminal) << std::flush;
}

void ChatTurns::obey_interrupts(JobId job) {
  if (interrupts_.count() == obeyed_) return;
  obeyed_ = interrupts_.count();
  left_ = cancelling_;
  if (left_) return;
  cancelling_ = true;
  // Followed to its end, whatever the answer.
  auto answer = client_->cancel(job, kCancelMs);
  if (answer) return;
  clear_bar();
  terminal_.err << "cancel: " << answer.error().message << "\n" << std::flush;
}

void ChatTurns::clear_bar() {
  if (bar_shown_) terminal_.err << "\r\x1b[K" << std::flush;
  bar_shown_ = false;
}

}  // namespace troupe
