// troupe run: submits one job and stays until it has ended. Ctrl-C cancels the
// job; a second Ctrl-C leaves, as soon as the node has taken the cancel or does
// not answer. Starts a node when none is there.
#include <poll.h>

#include <filesystem>
#include <optional>

#include "apps/away_notice.hpp"
#include "apps/commands/commands.hpp"
#include "apps/fetching.hpp"
#include "apps/interrupt.hpp"
#include "apps/job_watch.hpp"
#include "apps/local_files.hpp"
#include "apps/node_use.hpp"
#include "apps/own_node.hpp"
#include "apps/render/json.hpp"
#include "apps/render/table.hpp"
#include "apps/submitting.hpp"
#include "apps/text_stream.hpp"
#include "cluster/client_folder.hpp"

namespace troupe::commands {
namespace {

constexpr std::int64_t kStartMs = 60'000;
constexpr int kOtherNodeMs = 500;
constexpr int kMaxStarts = 5;
// Of one try to cancel, between which a further Ctrl-C is seen.
constexpr std::int64_t kCancelStepMs = 500;
// Who wants to leave waits no longer for the cancel to be taken.
constexpr std::int64_t kCancelMs = 2'000;

struct RunOptions {
  std::shared_ptr<JobOptions> job;
  std::string save;
  bool logs = false;
};

void pause_ms(int ms) {
  ::poll(nullptr, 0, ms);
}

class Run {
 public:
  Run(Invocation& call, const RunOptions& options)
      : call_{call}, options_{options}, terminal_{call.session.terminal} {}
  ~Run() { release_node(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  ExitCode go() {
    auto draft = draft_of(call_, *options_.job);
    if (!draft) return call_.misused(draft.error());
    if (auto made = make_named_folder(options_.save); !made)
      return call_.misused("--save: " + made.error().message);
    auto client = connect();
    if (!client && interrupts_.count() > 0) return ExitCode::interrupted;
    if (!client)
      return misuse_ ? call_.misused(client.error())
                     : call_.fail(client.error());
    away_.emplace(**client, [this](const std::string& text) {
      clear_bar();
      terminal_.err << text << "\n" << std::flush;
    });
    auto spec = prepare_job(call_, *std::move(draft));
    if (!spec) return call_.fail(spec.error());
    id_ = spec->id;
    // Asked again with the same id it is the same job.
    auto answer = ask([&](std::int64_t wait_ms) {
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
  /// The node that is there, or one of our own.
  Result<client::Client*> connect() {
    if (OwnNode::marked(data_path())) use_node();
    auto client = call_.session.client();
    if (client || !call_.session.no_node() ||
        cluster::is_client_folder(data_path()))
      return client;
    if (auto started = start_node(); !started) return started.error();
    return wait_for_node();
  }

  Status start_node() {
    auto data = call_.session.data();
    if (!data) return data.error();
    say("no node runs on " + data->path.string() +
        "; starting one for this job");
    if (auto made = make_named_folder(data->path, true); !made) {
      misuse_ = made.error().code == Errc::invalid_argument;
      return made;
    }
    use_node();
    auto node = OwnNode::start(data->path);
    if (!node) return node.error();
    node_ = *std::move(node);
    return ok();
  }

  Result<client::Client*> wait_for_node() {
    const auto until = now() + kStartMs;
    for (;;) {
      auto client = call_.session.client();
      if (client || !means_away(client.error())) return client;
      if (now() > until || interrupts_.count() > 0) return client;
      pause_ms(50);
      // Another run may have been quicker: then its node serves us soon, or
      // it is leaving and ours comes next.
      if (node_->is_running()) continue;
      if (auto end = node_->end(); end.error.code != Errc::locked) {
        misuse_ = end.misuse;
        end.error.message = "the node that was started for this job ended: " +
                            end.error.message;
        return end.error;
      }
      pause_ms(kOtherNodeMs);
      auto again = OwnNode::start(data_path());
      if (!again) return again.error();
      node_ = *std::move(again);
    }
  }

  /// Before it is asked for anything: from now on it stays for us.
  void use_node() {
    if (!use_) use_ = NodeUse::take(data_path(), kStartMs);
  }

  /// Gives the node back; the last one to do so sees it end.
  void release_node() {
    if (!use_) return;
    use_ = NodeUse{};
    const bool ours = node_ && node_->is_running();
    node_.reset();
    if (!ours) OwnNode::see_off(data_path());
  }

  std::filesystem::path data_path() const {
    auto data = call_.session.data();
    return data ? data->path : std::filesystem::path{};
  }

  Status follow(client::Client& client, JobState state) {
    client::FollowOptions how;
    how.job = id_;
    how.live = true;
    auto follower = client.follow(how);
    if (!follower) return follower.error();
    // Silence is among the lines that --logs prints.
    JobWatch watch{state, !options_.logs};
    away_->heard();
    while (!(*follower)->finished() && !left_) {
      auto batch = (*follower)->next(kInterruptStepMs);
      if (!batch) return batch.error();
      if (!batch->entries.empty() || !batch->live.empty()) away_->heard();
      show(watch, *batch);
      if (!(*follower)->finished()) obey_interrupts(client);
      // Who leaves looks for no node any more: that takes its time.
      if (left_ || obeyed_ > 1 || !away_->is_silent()) continue;
      if (auto there = keep_node(); !there) return there;
    }
    return ok();
  }

  void show(JobWatch& watch, const PullReply& batch) {
    const auto wall = system_wall_clock().now();
    if (options_.logs) print_log(batch);
    for (const auto& event : batch.live) print_text(text_.take(event));
    const auto lines = watch.apply(batch, wall);
    if (!terminal_.draws_bars) {
      if (text_.has_shown()) return;
      for (const auto& line : lines) say(line);
      return;
    }
    if (call_.json || text_.has_shown()) return;
    clear_bar();
    terminal_.err << watch.line({terminal_.columns, terminal_.colour,
                                 terminal_.unicode},
                                wall)
                  << std::flush;
    bar_shown_ = true;
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

  /// An answer as it comes; its lines stay lines, what moves a cursor does not.
  void print_text(const std::string& text) {
    if (text.empty() || call_.json) return;
    clear_bar();
    std::size_t from = 0;
    for (auto at = text.find('\n'); at != text.npos;
         at = text.find('\n', from)) {
      terminal_.out << render::printable(text.substr(from, at - from)) << '\n';
      from = at + 1;
    }
    terminal_.out << render::printable(text.substr(from)) << std::flush;
  }

  /// The first Ctrl-C cancels, again and again until the node has answered;
  /// a second one leaves then, or when it has waited long enough for that; a
  /// third one does not wait.
  void obey_interrupts(client::Client& client) {
    const int presses = interrupts_.count();
    if (presses == 0) return;
    if (obeyed_ == 0)
      say("cancelling " + to_string(id_) + "; Ctrl-C again leaves");
    if (presses > 1 && obeyed_ < 2) leave_until_ms_ = now() + kCancelMs;
    obeyed_ = presses;
    if (!cancel_answered_) cancel(client);
    left_ = presses > 1 &&
            (cancel_answered_ || presses > 2 || now() >= leave_until_ms_);
  }

  void cancel(client::Client& client) {
    const auto answer = client.cancel(id_, kCancelStepMs);
    cancel_answered_ = answer || !means_away(answer.error());
    cancel_taken_ = static_cast<bool>(answer);
    if (cancel_answered_ && !answer) say("cancel: " + answer.error().message);
  }

  /// A node that another `run` started may be killed: then ours takes over.
  Status keep_node() {
    if (node_ && !node_->is_running()) node_.reset();  // Another serves us.
    if (node_ || away_->answers()) return ok();
    if (!OwnNode::marked(data_path())) {
      away_->tell();
      return ok();
    }
    if (++starts_ > kMaxStarts)
      return Error{Errc::unavailable,
                   "the node of this job ends again and "
                   "again; see own-node.log in its folder"};
    return start_node();
  }

  /// `call` again and again while the node it needs changes hands.
  template <class Call>
  auto ask(Call call) -> decltype(call(0)) {
    const auto until = now() + kStartMs;
    for (;;) {
      auto answer = call(AwayNotice::kAskAfterMs);
      if (answer || !means_away(answer.error()) || now() > until ||
          interrupts_.count() > obeyed_)
        return answer;
      if (auto there = keep_node(); !there) return there.error();
      pause_ms(50);
    }
  }

  ExitCode finish(client::Client& client) {
    auto job =
        ask([&](std::int64_t wait_ms) { return client.show(id_, wait_ms); });
    if (!job) return call_.fail(job.error());
    if (job->state == JobState::succeeded && !options_.save.empty())
      for (const auto& file : job->artifacts) {
        if (auto wrong = target_fault(place_of(file)); !wrong.empty())
          return call_.misused("--save: " + wrong);
        if (auto saved = ask([&](auto) { return save(client, file); }); !saved)
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
    if (cancel_taken_)
      say(id + " was told to stop; see how it ended with: troupe jobs show " +
          id);
    else if (cancel_answered_)
      say(id + " was not cancelled; " + order);
    else if (use_)  // The node leaves, too.
      say(id +
          " was perhaps not cancelled: the node did not answer; it may "
          "go on when a node runs again: then " +
          order);
    else
      say(id + " was perhaps not cancelled: the node did not answer; " + order);
    return ExitCode::interrupted;
  }

  void say(const std::string& text) {
    clear_bar();
    if (!call_.json || !terminal_.draws_bars)
      terminal_.err << text << "\n" << std::flush;
  }

  void clear_bar() {
    if (bar_shown_) terminal_.err << "\r\x1b[K" << std::flush;
    bar_shown_ = false;
  }

  static std::int64_t now() { return system_steady_clock().now(); }

  Invocation& call_;
  const RunOptions& options_;
  const Terminal& terminal_;
  InterruptWatch interrupts_;
  NodeUse use_;
  std::unique_ptr<OwnNode> node_;
  std::optional<AwayNotice> away_;  // Once there is a client.
  JobId id_;
  TextStream text_;
  int obeyed_ = 0;  // Presses.
  bool cancel_answered_ = false;
  bool cancel_taken_ = false;        // Answered, and not with an error.
  std::int64_t leave_until_ms_ = 0;  // Once there was a second press.
  bool left_ = false;
  bool bar_shown_ = false;
  bool misuse_ = false;  // Of folder or configuration: no node can be.
  int starts_ = 0;
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
