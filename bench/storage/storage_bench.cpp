// What the store costs beside the disk it stands on: syncs a second, three
// puts a job, a million queued jobs (memory, disk, start-up, a page of 50).
//   bench_storage [--dir FOLDER] [lives|syncs|rates|million]
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "persistence/job_store.hpp"
#include "platform/file.hpp"

namespace {

using namespace troupe;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of this thread: a busy box does not change it.
double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * 1e-9;
}

[[noreturn]] void fail(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  std::exit(1);
}

template <class T>
T need(Result<T> result) {
  if (!result) fail(result.error());
  return *std::move(result);
}

class Jobs {
 public:
  Change submit() {
    JobSpec spec;
    spec.id = {1'700'000'000'000ull << 16 | (++made_ >> 40), 0};
    spec.id.hi =
        (1'700'000'000'000ull + made_ / 50) << 16 | (random_->next() & 0xffff);
    spec.id.lo = random_->next();
    spec.kind = "bench.noop";
    for (int i = 0; i < 25; ++i) {
      const auto bits = random_->next();
      spec.params.append(reinterpret_cast<const char*>(&bits), 8);
    }
    spec.tenant = "local";
    spec.submitted_by = "bench";
    spec.submitted_ms = 1'700'000'000'000 + static_cast<UnixMs>(made_ / 50);
    Change change = of(ChangeType::submitted, spec.id, 1, 0);
    change.spec = std::move(spec);
    return change;
  }
  static Change start(JobId id) {
    Change change = of(ChangeType::started, id, 2, 1);
    change.start = Started{"cpu", 0, R"({"why":"first"})"};
    return change;
  }
  static Change end(JobId id) {
    Change change = of(ChangeType::ended, id, 3, 1);
    change.end = JobEnd{JobState::succeeded, {}, "{}", {}};
    return change;
  }

 private:
  static Change of(ChangeType type, JobId id, std::uint32_t seq,
                   std::uint32_t attempt) {
    Change change;
    change.type = type;
    change.job = id;
    change.seq = seq;
    change.attempt = attempt;
    change.time_ms = 1'700'000'000'000;
    return change;
  }
  std::unique_ptr<Random> random_ = seeded_random(1);
  std::uint64_t made_ = 0;
};

void raw_syncs(const std::filesystem::path& dir, int per_sync) {
  std::filesystem::create_directories(dir);
  auto file =
      need(platform::create_new(dir / ("raw" + std::to_string(per_sync))));
  const std::string record(400 * static_cast<std::size_t>(per_sync), 'x');
  const int rounds = per_sync == 1 ? 2000 : 500;
  for (int pass = 0; pass < 2; ++pass) {  // The second overwrites.
    const auto start = Clock::now();
    for (int i = 0; i < rounds; ++i) {
      (void)platform::write_all_at(
          file.get(), record, static_cast<std::uint64_t>(i) * record.size());
      (void)platform::sync_data(file.get());
    }
    std::printf("%s + fdatasync, %d records a sync: %.0f records/s\n",
                pass == 0 ? "append" : "overwrite", per_sync,
                rounds * per_sync / seconds_since(start));
  }
}

void submits(JobStore& store, Jobs& jobs, int per_sync) {
  const int rounds = per_sync == 1 ? 2000 : 500;
  std::vector<std::vector<Change>> batches(static_cast<std::size_t>(rounds));
  for (auto& batch : batches)
    for (int i = 0; i < per_sync; ++i) batch.push_back(jobs.submit());
  const auto start = Clock::now();
  for (const auto& batch : batches) {
    need(store.commit(batch, true));
    need(store.index_step(256));
  }
  std::printf("store, synced, indexed, %d submits a sync: %.0f jobs/s\n",
              per_sync, rounds * per_sync / seconds_since(start));
}

void lives(JobStore& store, Jobs& jobs, bool old) {
  const int count = 100'000;
  std::vector<Change> submitted;
  for (int i = 0; i < count; ++i) submitted.push_back(jobs.submit());
  std::vector<Change> starts;
  std::vector<Change> ends;
  for (const auto& change : submitted) {
    starts.push_back(Jobs::start(change.job));
    ends.push_back(Jobs::end(change.job));
  }
  const std::size_t group = 50;
  const auto commit = [&](const std::vector<Change>& all, std::size_t from) {
    need(store.commit({all.data() + from, group}, false));
  };
  double log_s = 0;
  double index_s = 0;
  const auto timed = [](double& sum, auto&& act) {
    const auto start = cpu_seconds();
    act();
    sum += cpu_seconds() - start;
  };
  const auto index = [&] { need(store.index_step(256)); };
  for (int pass = 0; pass < (old ? 3 : 1); ++pass) {
    for (std::size_t i = 0; i < submitted.size(); i += group) {
      if (!old || pass == 0) timed(log_s, [&] { commit(submitted, i); });
      if (!old || pass == 1) timed(log_s, [&] { commit(starts, i); });
      if (!old || pass == 2) timed(log_s, [&] { commit(ends, i); });
      timed(index_s, index);
    }
  }
  timed(index_s, [&] {
    while (need(store.index_step(1024))) {
    }
  });
  std::printf(
      "three puts a job, %s, unsynced: log %.2f us, index %.2f us of CPU\n",
      old ? "in three passes" : "at once", log_s / count * 1e6,
      index_s / count * 1e6);
}

std::uint64_t pss_bytes() {
  std::ifstream in{"/proc/self/smaps_rollup"};
  std::string word;
  while (in >> word)
    if (word == "Pss:") {
      std::uint64_t kib = 0;
      in >> kib;
      return kib << 10;
    }
  return 0;
}

std::uint64_t disk_bytes(const std::filesystem::path& dir) {
  std::uint64_t sum = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator{dir})
    if (file.is_regular_file() && file.path().filename() != "reserve")
      sum += file.file_size();
  return sum;
}

void million(const std::filesystem::path& dir, const StoreOptions& options) {
  const int count = 1'000'000;
  const auto base_pss = pss_bytes();
  Jobs jobs;
  {
    auto store = need(JobStore::open(dir, options, 0));
    const auto start = Clock::now();
    std::vector<Change> batch;
    for (int i = 0; i < count; i += 500) {
      batch.clear();
      for (int k = 0; k < 500; ++k) batch.push_back(jobs.submit());
      need(store->commit(batch, true));
      need(store->index_step(512));
    }
    while (need(store->index_step(1024))) {
    }
    std::printf("1,000,000 submits: %.1f s, with making them\n",
                seconds_since(start));
    submits(*store, jobs, 50);
    std::printf(
        "memory: %.0f bytes a job\n",
        (static_cast<double>(pss_bytes()) - static_cast<double>(base_pss)) /
            count);
  }
  std::printf("disk: %.0f bytes a job\n",
              static_cast<double>(disk_bytes(dir)) / count);
  const auto start = Clock::now();
  auto store = need(JobStore::open(dir, options, 0));
  const auto opened = seconds_since(start);
  std::uint64_t live = 0;
  (void)store->for_each_live([&](const LiveJob&) { ++live; });
  std::printf("start-up with %lu live jobs: %.2f s, %.2f s of it opening\n",
              static_cast<unsigned long>(live), seconds_since(start), opened);
  ListRequest request;
  request.states = {JobState::queued};
  request.kind = "bench.noop";
  request.tenant = "local";
  std::vector<double> pages;
  for (int i = 0; i < 50; ++i) {
    const auto began = Clock::now();
    request.before_index = need(store->list(request)).next_before_index;
    pages.push_back(seconds_since(began) * 1e3);
  }
  std::ranges::sort(pages);
  std::printf("a page of 50: median %.2f ms, worst %.2f ms\n", pages[25],
              pages.back());
  request.states = {JobState::running};
  request.before_index = 0;
  const auto began = Clock::now();
  need(store->list(request));
  std::printf("a page of the 0 running ones: %.2f ms\n",
              seconds_since(began) * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::filesystem::path dir = "build/bench/storage-data";
  std::string_view only;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    const bool has_value = i + 1 < argc;
    if (arg == "--out" && has_value)
      ++i;  // Figures of this bench are for people only.
    else if (arg == "--dir" && has_value)
      dir = argv[++i];
    else
      only = arg;
  }
  std::filesystem::remove_all(dir);
  std::filesystem::create_directories(dir);
  const StoreOptions options;
  if (only == "lives") {
    Jobs jobs;
    auto unsynced = options;
    unsynced.sync = false;
    auto store = need(JobStore::open(dir / "lives", unsynced, 0));
    for (const bool old : {false, true, false, true}) lives(*store, jobs, old);
  }
  if (only == "syncs") {
    Jobs jobs;
    auto store = need(JobStore::open(dir / "syncs", options, 0));
    for (int i = 0; i < 5; ++i) {
      raw_syncs(dir / ("raw" + std::to_string(i)), 1);
      submits(*store, jobs, 1);
    }
  }
  if (only.empty() || only == "rates") {
    for (const int per_sync : {1, 50, 1000}) raw_syncs(dir, per_sync);
    Jobs jobs;
    auto store = need(JobStore::open(dir / "rates", options, 0));
    for (const int per_sync : {1, 50, 1000}) submits(*store, jobs, per_sync);
    store.reset();
    auto unsynced = options;
    unsynced.sync = false;
    store = need(JobStore::open(dir / "lives", unsynced, 0));
    lives(*store, jobs, false);
    lives(*store, jobs, true);
  }
  if (only.empty() || only == "million") million(dir / "million", options);
  std::filesystem::remove_all(dir);
}
