// Real attempts of process.run in a folder of their own, and what they told.
#pragma once

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "connectors/process/attempts.hpp"
#include "tests/connectors/folder_artifacts.hpp"
#include "tests/connectors/guard_path.hpp"
#include "tests/platform/eventually.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe {

using Json = nlohmann::ordered_json;

class RecordedSink : public AttemptSink {
 public:
  void live(std::vector<LiveEvent> events) override {
    const std::lock_guard lock{mutex_};
    ++batches_;
    for (auto& event : events) live_.push_back(std::move(event));
    news_.notify_all();
  }
  void ended(AttemptEnd end) override {
    const std::lock_guard lock{mutex_};
    ends_.push_back(std::move(end));
    news_.notify_all();
  }

  void noted(AttemptNote note) override {
    const std::lock_guard lock{mutex_};
    notes_.push_back(std::move(note));
  }

  std::vector<AttemptNote> notes() {
    const std::lock_guard lock{mutex_};
    return notes_;
  }
  std::optional<AttemptEnd> wait_for_end(const Token& token) {
    std::unique_lock lock{mutex_};
    std::optional<AttemptEnd> found;
    news_.wait_for(lock, std::chrono::seconds{30}, [&] {
      for (const auto& end : ends_)
        if (end.token == token) found = end;
      return found.has_value();
    });
    return found;
  }
  bool wait_for_line(const std::string& text) {
    std::unique_lock lock{mutex_};
    return news_.wait_for(lock, std::chrono::seconds{30}, [&] {
      for (const auto& event : live_)
        if (event.log && event.log->text == text) return true;
      return false;
    });
  }
  std::vector<LiveEvent> live() {
    const std::lock_guard lock{mutex_};
    return live_;
  }
  int batches() {
    const std::lock_guard lock{mutex_};
    return batches_;
  }
  std::size_t end_count() {
    const std::lock_guard lock{mutex_};
    return ends_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<LiveEvent> live_;
  std::vector<AttemptNote> notes_;
  std::vector<AttemptEnd> ends_;
  int batches_ = 0;
};

class AttemptsTest : public ::testing::Test {
 protected:
  platform::TempDir dir;
  std::shared_ptr<FolderArtifacts> artifacts =
      std::make_shared<FolderArtifacts>(dir / "artifacts");
  RecordedSink sink;
  std::function<bool(JobId)> is_over;
  std::unique_ptr<ProcessAttempts> attempts;
  Token token{.epoch = 1,
              .job = {.hi = static_cast<std::uint64_t>(::getpid()), .lo = 7},
              .attempt = 1};

  void SetUp() override { reopen(); }
  void reopen(std::uint32_t max_quiet_notes = 100) {
    attempts.reset();
    auto made = ProcessAttempts::create(
        {.folder = dir / "process",
         .guard = guard_path(),
         .artifacts = artifacts,
         .environment = {{"PATH", "/usr/bin:/bin"}, {"SECRET", "s"}},
         .is_over = is_over,
         .umask = 0027,
         .max_quiet_notes = max_quiet_notes},
        sink);
    ASSERT_TRUE(made) << made.error().message;
    attempts = *std::move(made);
  }

  Assignment assignment(const Json& params) {
    Assignment one;
    one.token = token;
    one.spec.id = token.job;
    one.spec.kind = "process.run";
    one.spec.params = params.dump();
    return one;
  }
  static Json script(const std::string& text) {
    return Json{{"argv", {"sh", "-c", text}}};
  }
  JobEnd run(const Assignment& one) {
    attempts->assign(one);
    auto end = sink.wait_for_end(one.token);
    EXPECT_TRUE(end) << "the attempt never ended";
    return end ? end->end : JobEnd{};
  }
  JobEnd run(const Json& params) { return run(assignment(params)); }

  std::string text_of(const JobEnd& end, const std::string& name) {
    for (const auto& ref : end.artifacts)
      if (ref.name == name) return artifacts->text_of(ref);
    return "no artifact " + name;
  }
  static std::size_t files_in(const std::filesystem::path& folder) {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::recursive_directory_iterator(folder))
      ++n;
    return n;
  }
};

}  // namespace troupe
