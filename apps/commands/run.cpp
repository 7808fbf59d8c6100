// troupe run: submits one job and stays until it has ended. Ctrl-C cancels the
// job; a second Ctrl-C leaves. Starts a node when none is there. Over 250
// lines: the parts share what a terminal has been shown; what can be decided
// without it is in JobWatch, TextStream and CancelOrder.
#include <algorithm>
#include <filesystem>

#include "apps/cancel_order.hpp"
#include "apps/commands/commands.hpp"
#include "apps/fetching.hpp"
#include "apps/interrupt.hpp"
#include "apps/job_node.hpp"
#include "apps/job_watch.hpp"
#include "apps/local_files.hpp"
#include "apps/render/json.hpp"
#include "apps/render/table.hpp"
#include "apps/submitting.hpp"
#include "apps/text_stream.hpp"

namespace troupe::commands {
namespace {

// Of one try to cancel, between which a further Ctrl-C is seen.
constexpr std::int64_t kCancelStepMs = 500;

struct RunOptions {
  std::shared_ptr<JobOptions> job;
  std::string save;
  bool logs = false;
};

class Run {
 public:
  Run(Invocation& call, const RunOptions& options)
      : call_{call},
        options_{options},
        terminal_{call.session.terminal},
        node_{call.session,
              {"this job",
               [this](const std::string& text) {
                 clear_bar();
                 end_line();
                 terminal_.err << text << "\n" << std::flush;
               },
               [this] {
                 return order_.presses() > 1 ||
                        interrupts_.count() > order_.presses();
               },
               [this] { return model_fits(call_, draft_.spec); }}} {}

  ExitCode go() {
    auto draft = draft_of(call_, *options_.job);
    if (!draft) return call_.misused(draft.error());
    draft_ = *std::move(draft);
    if (auto made = make_named_folder(options_.save); !made)
      return call_.misused("--save: " + made.error().message);
    auto client = node_.connect();
    if (!client && interrupts_.count() > 0) return ExitCode::interrupted;
    if (!client)
      return node_.misused() ? call_.misused(client.error())
                             : call_.fail(client.error());
    auto spec = prepare_job(call_, std::move(draft_));
    if (!spec) return call_.fail(spec.error());
    id_ = spec->id;
    text_ = TextStream{answers_asked(spec->params)};
    // Asked again with the same id it is the same job.
    auto answer = node_.ask([&](std::int64_t wait_ms) {
      return (*client)->submit(*spec, wait_ms);
    });
    if (!answer)
      return interrupts_.count() > 0 && means_away(answer.error())
                 ? left()
                 : call_.fail(answer.error());
    if (answer->error) return call_.fail(*answer->error);
    say(to_string(id_));
    auto followed = follow(**client, answer->state);
    clear_bar();
    if (!followed) return call_.fail(followed.error());
    if (left_) return left();
    return finish(**client);
  }

 private:
  Status follow(client::Client& client, JobState state) {
    // Silence is among the lines that --logs prints.
    JobWatch watch{state, !options_.logs};
    return node_.follow(id_, [&](const PullReply& batch, bool has_ended) {
      show(watch, batch);
      if (!has_ended) obey_interrupts(client);
      return !left_;
    });
  }

  void show(JobWatch& watch, const PullReply& batch) {
    const auto wall = system_wall_clock().now();
    if (options_.logs) print_log(batch);
    auto lines = watch.apply(batch, wall, wanted_lines());
    if (text_.has_shown() && is_repeated(batch))
      lines.emplace_back(
          "its text is written again from the beginning; what stands here "
          "already is not shown twice");
    for (const auto& line : lines) say(line);
    take_text(watch, batch);
    if (!terminal_.draws_bars || call_.json || text_.has_shown()) return;
    clear_bar();
    terminal_.err << watch.line({terminal_.columns, terminal_.colour,
                                 terminal_.unicode},
                                wall)
                  << std::flush;
    bar_shown_ = true;
  }

  /// Beside a bar, or a text, lines would only be in the way; but a text that
  /// stands still has a reason.
  WatchLines wanted_lines() const {
    if (terminal_.draws_bars) return WatchLines::repeats;
    return text_.has_shown() ? WatchLines::moves : WatchLines::all;
  }

  static bool is_repeated(const PullReply& batch) {
    return std::ranges::any_of(batch.entries, [](const LogEntry& entry) {
      return entry.change.type == ChangeType::requeued;
    });
  }

  /// Pieces may be quicker than the start of their attempt: they wait until
  /// that was told.
  void take_text(const JobWatch& watch, const PullReply& batch) {
    for (const auto& event : batch.live)
      if (event.type == LiveType::token) early_.push_back(event);
    std::erase_if(early_, [&](const LiveEvent& event) {
      if (event.attempt > watch.attempt()) return false;
      print_text(text_.take(event));
      return true;
    });
  }

  void print_log(const PullReply& batch) {
    if (batch.live_lost > 0) {
      clear_bar();
      terminal_.err << gap_text(batch.live_lost) << std::endl;
    }
    for (const auto& event : batch.live) {
      if (!event.log) continue;
      clear_bar();
      const bool is_out = event.log->stream == "stdout" && !call_.json;
      (is_out ? terminal_.out : terminal_.err)
          << render::printable(event.log->text) << std::endl;
    }
  }

  /// An answer as it comes.
  void print_text(const std::string& text) {
    if (text.empty() || call_.json) return;
    clear_bar();
    terminal_.out << text_for(text, terminal_.out_is_terminal) << std::flush;
    is_in_line_ = !text.ends_with('\n');
  }

  void obey_interrupts(client::Client& client) {
    if (order_.saw(interrupts_.count(), now()))
      say("cancelling " + to_string(id_) + "; Ctrl-C again leaves");
    if (order_.is_to_be_sent(now())) cancel(client);
    left_ = order_.leaves(now());
  }

  void cancel(client::Client& client) {
    const auto answer = client.cancel(id_, kCancelStepMs);
    if (!answer && means_away(answer.error())) return;
    order_.answered(static_cast<bool>(answer));
    if (!answer) say("cancel: " + answer.error().message);
  }

  ExitCode finish(client::Client& client) {
    auto job = node_.ask(
        [&](std::int64_t wait_ms) { return client.show(id_, wait_ms); });
    if (!job) return call_.fail(job.error());
    if (job->state == JobState::succeeded && !options_.save.empty())
      for (const auto& file : job->artifacts) {
        if (auto wrong = target_fault(place_of(file)); !wrong.empty())
          return call_.misused("--save: " + wrong);
        if (auto saved = node_.ask([&](auto) { return save(client, file); });
            !saved)
          return call_.fail(saved.error());
      }
    if (job->spec.kind.starts_with("text.") &&
        job->state == JobState::succeeded) {
      auto whole = whole_result(client, *job);
      if (!whole) return call_.fail(whole.error());
      job->result = *std::move(whole);
    }
    if (call_.json)
      call_.print(render::job(*job));
    else
      print_end(*job);
    if (interrupts_.count() > 0) return ExitCode::interrupted;
    return exit_code(job->state);
  }

  std::filesystem::path place_of(const ArtifactRef& file) const {
    return std::filesystem::path(options_.save) / file.name;
  }

  /// Where the answer is text, standard output has it and nothing else.
  void print_end(const JobView& job) {
    const bool writes = job.spec.kind.starts_with("text.");
    if (writes && job.state == JobState::succeeded)
      print_text(text_.rest(job.result));
    else if (text_.has_shown())
      print_text("\n");
    (writes ? terminal_.err : terminal_.out) << end_text(job);
  }

  Status save(client::Client& client, const ArtifactRef& file) {
    return fetch_artifact(client, terminal_, file.sha256, file.name,
                          place_of(file));
  }

  /// Claims only what the node has answered: that is on its disk.
  ExitCode left() {
    const auto id = to_string(id_);
    const auto order = "cancel it with: troupe jobs cancel " + id;
    if (order_.is_taken())
      say(id + " was told to stop; see how it ended with: troupe jobs show " +
          id);
    else if (order_.is_answered())
      say(id + " was not cancelled; " + order);
    else if (node_.leaves_with_us())
      say(id +
          " was perhaps not cancelled: the node did not answer; it may "
          "go on when a node runs again: then " +
          order);
    else
      say(id + " was perhaps not cancelled: the node did not answer; " + order);
    return ExitCode::interrupted;
  }

  static std::int64_t now() { return system_steady_clock().now(); }

  void say(const std::string& text) {
    clear_bar();
    if (call_.json && terminal_.draws_bars) return;
    end_line();
    terminal_.err << text << "\n" << std::flush;
  }

  /// Words to people stand in no line of the answer.
  void end_line() {
    if (is_in_line_ && terminal_.out_is_terminal)
      terminal_.out << "\n" << std::flush;
    is_in_line_ = false;
  }

  void clear_bar() {
    if (bar_shown_) terminal_.err << "\r\x1b[K" << std::flush;
    bar_shown_ = false;
  }

  Invocation& call_;
  const RunOptions& options_;
  const Terminal& terminal_;
  InterruptWatch interrupts_;
  JobNode node_;
  DraftJob draft_;
  JobId id_;
  TextStream text_;
  std::vector<LiveEvent> early_;  // Text whose attempt's start is to be told.
  CancelOrder order_;
  bool left_ = false;
  bool bar_shown_ = false;
  bool is_in_line_ = false;  // Of the answer.
};

ExitCode run(Invocation& call, const RunOptions& options) {
  if (call.has_rest && options.job->kind.empty() && !call.rest.empty())
    return call.misused("which kind of job? Write: troupe run process.run -- " +
                        call.rest.front());
  if (options.job->kind.empty())
    return call.misused(
        "which kind of job? For instance: troupe run "
        "process.run -- sleep 10");
  return Run{call, options}.go();
}

}  // namespace

void add_run(CLI::App& root, Invocation& call) {
  auto options = std::make_shared<RunOptions>();
  auto* command = add_command(
      root, call, "run",
      "Submit a job and follow it to its end; starts a node for that time "
      "when none runs",
      [&call, options] { return run(call, *options); });
  options->job = add_job_options(*command, call);
  command->add_option("--save", options->save, "Put its files there")
      ->type_name("DIR");
  command->add_flag("--logs", options->logs, "Print what it prints");
}

}  // namespace troupe::commands
