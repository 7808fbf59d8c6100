// What a decision costs: submit, commit, plan, start and end of jobs without
// memory, at an empty and at a full queue. One JSON line per figure.
#include <chrono>
#include <cstdio>
#include <vector>

#include "actors/schedule.hpp"

namespace troupe {
namespace {

class NobodyBefore : public PastJobs {
 public:
  Result<PastJob> find(JobId) override {
    return Error{Errc::not_found, "never heard of it"};
  }
};

double seconds() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

void report(const char* name, double value, const char* unit, double limit) {
  std::printf(
      "{\"bench\":\"schedule\",\"case\":\"%s\",\"value\":%.3f,\"unit\":\"%s\","
      "\"limit\":%.3f,\"ok\":%s}\n",
      name, value, unit, limit, value <= limit ? "true" : "false");
}

ScheduleOptions first_epoch() {
  ScheduleOptions options;
  options.epoch = 1;
  return options;
}

class Bench {
 public:
  explicit Bench(std::uint32_t slots) {
    Decisions out;
    schedule_.device_up({"cpu", "cpu", 1ull << 34, slots, {"work"}}, now_, out);
  }

  void submit(std::uint64_t jobs) {
    for (std::uint64_t i = 0; i < jobs; ++i) {
      JobSpec spec;
      spec.id = {1, ++last_id_};
      spec.kind = "work";
      spec.tenant = "t";
      spec.params = params_;
      schedule_.submit(std::move(spec), now_, out_);
      schedule_.submit_committed({1, last_id_}, last_id_, now_, out_);
      if (out_.changes.size() > 256) out_ = {};
    }
    out_ = {};
  }

  /// Starts and ends so many; the number of starts.
  std::uint64_t run(std::uint64_t jobs) {
    std::uint64_t done = 0;
    while (done < jobs) {
      Decisions out;
      schedule_.plan(now_, out);
      if (out.assigns.empty()) break;
      Decisions ends;
      for (const Assign& a : out.assigns) {
        done += static_cast<bool>(
            schedule_.attempt_ended(a.token, JobEnd{}, now_, ends));
        schedule_.end_committed(a.token.job);
      }
      ++now_.steady;
    }
    return done;
  }

  ScheduleCounts counts() const { return schedule_.counts(); }

 private:
  const std::string params_ = std::string(200, 'x');
  std::unique_ptr<Random> random_ = seeded_random(1);
  NobodyBefore past_;
  Schedule schedule_{first_epoch(), *random_, past_};
  Now now_{1'700'000'000'000, 1};
  Decisions out_;
  std::uint64_t last_id_ = 0;
};

/// Microseconds of a job's whole life with `waiting` others before it.
double life_us(std::uint32_t slots, std::uint64_t waiting) {
  constexpr std::uint64_t kRound = 10'000, kRounds = 30;
  Bench bench{slots};
  bench.submit(waiting + kRound);
  bench.run(kRound);
  const double from = seconds();
  std::uint64_t done = 0;
  for (std::uint64_t i = 0; i < kRounds; ++i) {
    bench.submit(kRound);
    done += bench.run(kRound);
  }
  return (seconds() - from) * 1e6 / static_cast<double>(done);
}

}  // namespace
}  // namespace troupe

int main() {
  using namespace troupe;
  report("life_w1", life_us(1, 0), "us/job", 5);
  report("life_w50", life_us(50, 0), "us/job", 5);
  report("life_w200", life_us(200, 0), "us/job", 5);
  report("life_w200_1m_queued", life_us(200, 1'000'000), "us/job", 5);
  Bench full{1};
  const auto before = full.counts().memory_bytes;
  full.submit(1'000'000);
  report("memory_1m_queued",
         static_cast<double>(full.counts().memory_bytes - before) / 1e6,
         "bytes/job", 96);
}
