#include "connectors/process/attempts.hpp"

#include <unistd.h>

#include "connectors/process/leftovers.hpp"
#include "connectors/process/outcome.hpp"
#include "platform/file.hpp"

namespace troupe {

namespace {

std::string key_of(const Token& token) {
  return to_string(token.job) + "-" + std::to_string(token.epoch) + "-" +
         std::to_string(token.attempt);
}

std::string all_faults(const Error& error) {
  std::string text = error.message;
  for (const auto& fault : error.faults)
    text += "; " + fault.path + " " + fault.message;
  return text;
}

}  // namespace

struct ProcessAttempts::Attempt {
  std::string key;
  Assignment assignment;
  ProcessRunParams params;
  AttemptPaths paths;
  LiveBatch batch;
  std::optional<StopReason> stop;
  bool running = false;     // The runner has it.
  bool show_later = false;  // A timer will show the batch.
  SteadyMs shown_at = 0;    // 0: never.
  std::uint32_t quiet_notes = 0;
};

Result<std::unique_ptr<ProcessAttempts>> ProcessAttempts::create(
    AttemptsOptions options, AttemptSink& sink) {
  end_leftovers(options.folder / "records");
  sweep_attempt_files(options.folder, options.is_over);
  for (const auto* name : {"records", "scratch", "logs"}) {
    auto made = platform::make_dirs(options.folder / name);
    if (!made) return made.error();
  }
  std::unique_ptr<ProcessAttempts> attempts{
      new ProcessAttempts{std::move(options), sink}};
  auto file_work = platform::EventLoop::create();
  if (!file_work) return file_work.error();
  auto runner =
      ProcessRunner::create({.guard = attempts->options_.guard}, *attempts);
  if (!runner) return runner.error();
  attempts->runner_ = *std::move(runner);
  attempts->file_work_ = *std::move(file_work);
  attempts->file_thread_ =
      std::thread{[loop = attempts->file_work_.get()] { loop->run(); }};
  return attempts;
}

ProcessAttempts::ProcessAttempts(AttemptsOptions options, AttemptSink& sink)
    : options_{std::move(options)}, sink_{sink} {}

ProcessAttempts::~ProcessAttempts() {
  if (!file_work_) return;
  runner_->post([this] { closing_ = true; });
  // The file thread posts to the runner, so it ends first; then, as the last
  // member, the runner, whose thread still reads runner_ while it finishes.
  file_work_->quit();
  file_thread_.join();
}

void ProcessAttempts::assign(Assignment assignment) {
  {
    const std::lock_guard lock{mutex_};
    if (!tokens_.insert(assignment.token).second) return;  // Told twice.
  }
  runner_->post([this, assignment = std::move(assignment)]() mutable {
    begin(std::move(assignment));
  });
}

void ProcessAttempts::stop(const StopOrder& what) {
  runner_->post([this, what] { order(what.token, what.reason); });
}

void ProcessAttempts::stop_all(StopReason reason) {
  for (const auto& token : tokens()) stop({token, reason});
}

std::vector<Token> ProcessAttempts::tokens() const {
  const std::lock_guard lock{mutex_};
  return {tokens_.begin(), tokens_.end()};
}

// -- the runner's thread ------------------------------------------------------

void ProcessAttempts::begin(Assignment assignment) {
  const auto token = assignment.token;
  const auto key = key_of(token);
  auto params = parse_process_run(assignment.spec.params);
  auto made = std::make_unique<Attempt>(
      Attempt{.key = key,
              .assignment = std::move(assignment),
              .params = params ? *params : ProcessRunParams{},
              .paths = {},
              .batch = LiveBatch{token.job, token.attempt},
              .stop = {}});
  auto& attempt = *made;
  attempts_.emplace(key, std::move(made));
  if (!params)
    return finish(key,
                  describe_failure(FailureClass::invalid, "invalid_parameters",
                                   all_faults(params.error())));
  attempt.paths = attempt_paths(options_.folder, token, attempt.params);
  attempt.batch.set_phase(Phase::loading);
  show_soon(attempt);
  file_work_->post([this, key, paths = attempt.paths,
                    assignment = attempt.assignment, params = attempt.params] {
    auto done = prepare_files(paths, assignment, params, *options_.artifacts);
    runner_->post([this, key, done] { prepared(key, done); });
  });
}

void ProcessAttempts::prepared(const std::string& key, Status done) {
  auto* attempt = find(key);
  if (!attempt) return;
  if (attempt->stop || !done) {
    remove_files(attempt->paths);
    auto end = attempt->stop
                   ? describe_stop(
                         *attempt->stop,
                         {.end = {},
                          .program = attempt->params.argv.front(),
                          .cwd = {},
                          .timeout_ms =
                              attempt->assignment.spec.timeout_ms.value_or(0),
                          .stop = attempt->stop,
                          .last_lines = {}})
                   : describe_failure(class_of(done.error().code),
                                      "input_missing", done.error().message);
    return finish(key, std::move(end));
  }
  start(*attempt);
}

void ProcessAttempts::start(Attempt& attempt) {
  const auto& params = attempt.params;
  ProcessSpec spec;
  spec.key = attempt.key;
  spec.argv = params.argv;
  for (const auto& name : params.inherit_env)
    if (const auto it = options_.environment.find(name);
        it != options_.environment.end())
      spec.env.insert(*it);
  for (const auto& [name, value] : params.env) spec.env[name] = value;
  spec.env["TROUPE_SCRATCH"] = attempt.paths.scratch.string();
  spec.cwd = params.cwd.empty() ? attempt.paths.scratch
                                : std::filesystem::path{params.cwd};
  spec.stdin_file = attempt.paths.stdin_file;
  spec.log = attempt.paths.log;
  spec.record = attempt.paths.record;
  spec.log_bytes = params.log_bytes;
  spec.progress = params.progress;
  spec.timeout_ms = attempt.assignment.spec.timeout_ms.value_or(0);
  spec.grace_ms = params.grace_ms;
  spec.quiet_ms = params.quiet_ms;
  spec.umask = options_.umask;
  attempt.running = true;
  runner_->start(std::move(spec));
}

void ProcessAttempts::order(const Token& token, StopReason reason) {
  auto* attempt = find(key_of(token));
  if (!attempt) return;
  // The first reason is what the job is told; fencing outranks them all.
  if (!attempt->stop || reason == StopReason::fenced) attempt->stop = reason;
  if (!attempt->running) return;  // Its files are being moved: that ends soon.
  if (reason == StopReason::fenced)
    runner_->kill(attempt->key);
  else
    runner_->stop(attempt->key);
}

void ProcessAttempts::keep(Attempt& attempt, JobEnd end,
                           std::optional<UnwrittenLines> unwritten) {
  attempt.batch.set_phase(Phase::saving);
  show_soon(attempt);
  file_work_->post([this, key = attempt.key, paths = attempt.paths,
                    assignment = attempt.assignment, params = attempt.params,
                    end = std::move(end),
                    unwritten = std::move(unwritten)]() mutable {
    auto kept = keep_files(paths, assignment, params, *options_.artifacts,
                           std::move(end), unwritten);
    runner_->post([this, key, kept = std::move(kept)]() mutable {
      finish(key, std::move(kept));
    });
  });
}

void ProcessAttempts::finish(const std::string& key, JobEnd end) {
  auto* attempt = find(key);
  if (!attempt) return;
  show(key);
  const auto token = attempt->assignment.token;
  const bool fenced = attempt->stop == StopReason::fenced;
  attempts_.erase(key);
  {
    const std::lock_guard lock{mutex_};
    tokens_.erase(token);
  }
  if (!fenced) sink_.ended({.token = token, .end = std::move(end)});
}

// The first event after a silence is shown at once, later ones together.
void ProcessAttempts::show_soon(Attempt& attempt) {
  if (attempt.show_later) return;
  const auto due = attempt.shown_at + options_.live_interval_ms;
  const auto now = system_steady_clock().now();
  if (attempt.shown_at == 0 || now >= due) return show(attempt.key);
  attempt.show_later = true;
  runner_->after(due - now, [this, key = attempt.key] { show(key); });
}

void ProcessAttempts::show(const std::string& key) {
  auto* attempt = find(key);
  if (!attempt) return;
  attempt->show_later = false;
  if (attempt->batch.empty()) return;
  attempt->shown_at = system_steady_clock().now();
  auto events = attempt->batch.take(options_.clock->now());
  if (attempt->stop != StopReason::fenced) sink_.live(std::move(events));
}

ProcessAttempts::Attempt* ProcessAttempts::find(const std::string& key) {
  if (closing_) return nullptr;
  const auto it = attempts_.find(key);
  return it == attempts_.end() ? nullptr : it->second.get();
}

void ProcessAttempts::on_started(const std::string& key,
                                 const platform::ProcessIdentity&) {
  auto* attempt = find(key);
  if (!attempt) return;
  attempt->batch.set_phase(Phase::executing);
  show_soon(*attempt);
}

void ProcessAttempts::on_line(const std::string& key, Stream stream,
                              const std::string& text) {
  auto* attempt = find(key);
  if (!attempt) return;
  attempt->batch.add_line(to_string(stream), text, options_.clock->now());
  show_soon(*attempt);
}

void ProcessAttempts::on_progress(const std::string& key,
                                  const Progress& progress) {
  auto* attempt = find(key);
  if (!attempt) return;
  attempt->batch.set_progress(progress);
  show_soon(*attempt);
}

void ProcessAttempts::on_quiet(const std::string& key, std::int64_t silent_ms) {
  auto* attempt = find(key);
  if (!attempt) return;
  on_line(key, Stream::node,
          "no output for " + std::to_string(silent_ms / 1000) +
              (silent_ms < 10'000 ? "." + std::to_string(silent_ms / 100 % 10)
                                  : "") +
              " s");
  if (attempt->stop == StopReason::fenced) return;
  if (++attempt->quiet_notes > options_.max_quiet_notes) return;
  sink_.noted(
      {.token = attempt->assignment.token,
       .note = {.name = "quiet",
                .data = "{\"silent_ms\":" + std::to_string(silent_ms) + "}",
                .by = {}}});
}

void ProcessAttempts::on_end(const std::string& key, const ProcessEnd& end) {
  auto* attempt = find(key);
  if (!attempt) return;
  attempt->running = false;
  auto job = describe_end(
      {.end = end,
       .program = attempt->params.argv.front(),
       .cwd = attempt->params.cwd,
       .timeout_ms = attempt->assignment.spec.timeout_ms.value_or(0),
       .stop = attempt->stop,
       .last_lines = last_lines(attempt->paths, end.unwritten)});
  keep(*attempt, std::move(job), end.unwritten);
}

std::map<std::string, std::string> own_environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text{*entry};
    const auto equals = text.find('=');
    if (equals != std::string_view::npos)
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

}  // namespace troupe
